"""Renders invoices, credit notes and receipts as PDF with Typst. Equal documents give equal bytes, for one version of Typst.

Fonts come with the package and only those are used; the file's dates are the day on which the document was issued, a
receipt's that of the payment; Typst holds no lock of Python's while it works.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import typst

from invoicing.adapters.document import credit_note, receipt
from invoicing.adapters.document.glyphs import FONTS
from invoicing.adapters.document.layout import lay_out
from invoicing.application.credit_notes import CreditNoteDocument
from invoicing.application.invoices import Document
from invoicing.application.ports import FindLogo
from invoicing.application.receipts import ReceiptDocument
from invoicing.domain.invoice.events import Issued

HERE = Path(__file__).parent


class Renderer:
    """Renders `concurrency` documents at a time; others wait."""

    def __init__(self, concurrency: int, logos: FindLogo) -> None:
        self._logos = logos
        self._threads = ThreadPoolExecutor(concurrency, "pdf")
        self._own = threading.local()
        self._fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])

    async def __call__(self, document: Document) -> bytes:
        """Raises the errors of fetching the merchant's logo."""
        logo = await self._logo(document.issued)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._render, document, logo)

    async def credit_note(self, document: CreditNoteDocument) -> bytes:
        """Raises the errors of fetching the merchant's logo."""
        logo = await self._logo(document.issued)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._render_credit_note, document, logo)

    async def receipt(self, document: ReceiptDocument) -> bytes:
        """Raises the errors of fetching the merchant's logo."""
        logo = await self._logo(document.issued)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._render_receipt, document, logo)

    async def _logo(self, issued: Issued) -> bytes | None:
        return await self._logos(issued.letterhead.logo) if issued.letterhead.logo else None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _render(self, document: Document, logo: bytes | None) -> bytes:
        issued = document.issued
        return self._compile(issued.letterhead.layout, lay_out(document, logo), issued.issued_on)

    def _render_credit_note(self, document: CreditNoteDocument, logo: bytes | None) -> bytes:
        return self._compile(credit_note.TEMPLATE, credit_note.lay_out(document, logo), document.credited.issued_on)

    def _render_receipt(self, document: ReceiptDocument, logo: bytes | None) -> bytes:
        paid_on = document.payment.at.astimezone(ZoneInfo(document.issued.letterhead.time_zone)).date()
        return self._compile(receipt.TEMPLATE, receipt.lay_out(document, logo), paid_on)

    def _compile(self, layout: int, content: str, on: date) -> bytes:
        pdf = self._compiler(layout).compile(
            format="pdf",
            pdf_standards=["ua-1", "a-2a"],
            sys_inputs={"document": content},
            timestamp=datetime.combine(on, time(), UTC),
        )
        assert isinstance(pdf, bytes), "a PDF is one file with all pages"
        return pdf

    def _compiler(self, layout: int) -> typst.Compiler:
        """The thread's compiler of a layout. A new layout is a new template; existing ones never change."""
        compiler: typst.Compiler | None = getattr(self._own, f"layout_{layout}", None)
        if compiler is None:
            template = HERE / f"invoice_{layout}.typ"
            compiler = typst.Compiler(template, root=HERE, font_paths=self._fonts, ignore_system_fonts=True)
            setattr(self._own, f"layout_{layout}", compiler)
        return compiler
