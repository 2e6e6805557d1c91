"""The history as a ZIP: the CSV and one PDF per invoice and credit note, sent while they are written.

Nothing of it is ever whole in memory or on disk. An error midway is raised before the archive's directory is sent, so
that what has arrived is no archive.
"""

import asyncio
import re
import zipfile
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from functools import partial

from invoicing.adapters.exporting.table import as_csv
from invoicing.adapters.exporting.wording import ExportWords
from invoicing.application.history import CreditNoteDocuments, Documents, Render, Rows
from invoicing.application.ports import RenderCreditNote

RENDERED_AHEAD = 2
"""Documents that are rendered while a previous one is sent."""


@dataclass(frozen=True, slots=True)
class ArchivedDocument:
    path: str
    """Folder and file name."""
    on: date
    render: Callable[[], Awaitable[bytes]]


class Wire:
    """The output of zipfile: a stream that cannot seek. It holds the bytes that are not sent yet."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """zipfile requires it. The bytes are taken by the reader, so there is nothing to flush."""

    def take(self) -> bytes:
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken


async def as_zip(
    rows: Rows, documents: AsyncIterator[list[ArchivedDocument]], words: ExportWords, on: date
) -> AsyncGenerator[bytes]:
    """`on` is the date of the CSV entry. A document's entry has the date of issue."""
    wire = Wire()
    archive = zipfile.ZipFile(wire, "w")  # type: ignore[call-overload]  # writing needs only write and flush
    with archive.open(_entry(f"{words.history}.csv", on, zipfile.ZIP_DEFLATED), "w") as entry:
        async for chunk in as_csv(rows, words):
            entry.write(chunk)
            yield wire.take()
    async with aclosing(_rendered(documents)) as rendered:
        async for document, pdf in rendered:
            archive.writestr(_entry(document.path, document.on, zipfile.ZIP_STORED), pdf)
            yield wire.take()
    archive.close()
    yield wire.take()


async def archived(
    invoices: Documents, credit_notes: CreditNoteDocuments, render: Render, render_note: RenderCreditNote, words: ExportWords
) -> AsyncGenerator[list[ArchivedDocument]]:
    """The invoices, then the credit notes, each in its folder and page by page."""
    async for page in invoices:
        yield [_archived(words.invoices, it.issued.number, it.issued.issued_on, partial(render, it)) for it in page]
    async for notes in credit_notes:
        yield [_archived(words.credit_notes, it.credited.number, it.credited.issued_on, partial(render_note, it)) for it in notes]


def _archived(folder: str, number: str, on: date, render: Callable[[], Awaitable[bytes]]) -> ArchivedDocument:
    return ArchivedDocument(path(folder, number), on, render)


def path(folder: str, number: str) -> str:
    """A document's number as a file in the folder, and in no other one."""
    return f"{folder}/{re.sub(r'[^A-Za-z0-9_-]', '_', number)}.pdf"


async def _rendered(documents: AsyncIterator[list[ArchivedDocument]]) -> AsyncGenerator[tuple[ArchivedDocument, bytes]]:
    window: deque[tuple[ArchivedDocument, asyncio.Future[bytes]]] = deque()
    try:
        async for page in documents:
            for document in page:
                window.append((document, asyncio.ensure_future(document.render())))
                if len(window) > RENDERED_AHEAD:
                    yield window[0][0], await window[0][1]
                    window.popleft()
        while window:
            yield window[0][0], await window[0][1]
            window.popleft()
    finally:
        for _, rendering in window:
            rendering.cancel()


def _entry(name: str, on: date, compression: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (max(on.year, 1980), on.month, on.day, 0, 0, 0))
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    return entry
