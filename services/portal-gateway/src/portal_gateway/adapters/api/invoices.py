"""The payment history: the list, single invoices, their PDFs, and the export."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from billing_contracts.history import HistoryLine
from chassis.http.description import answers
from chassis.http.downloads import StreamedDownload, download_headers
from chassis.http.page_cursors import Limit
from portal_gateway.adapters.api import invoice_documents as documents
from portal_gateway.adapters.api.dependencies import (
    SESSION,
    UNKNOWN_SESSION,
    LocalizedRoute,
    SessionDependencies,
    cookie_of,
    language_of,
    with_texts,
)
from portal_gateway.adapters.api.parameters import CreditNoteId, Cursor, Format, InvoiceId, OfExportedYear, OfStatus, OfYear
from portal_gateway.adapters.api.representations import invoice
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation import invoices, payment
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.language import file_locale
from portal_gateway.application.requests import InvoiceQuery
from portal_gateway.domain.access import Session
from portal_gateway.domain.invoice_refunds import refund_status
from portal_gateway.domain.receipts import has_receipt


class Lines(JSONResponse):
    """For the OpenAPI description only: the lines are streamed."""

    media_type = "application/x-ndjson"


EXPORT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": HistoryLine,
        "description": "The payment history as a file, described in docs/exports.md; each line of the NDJSON is such an object",
        "content": {"text/csv": {}, "application/zip": {}},
    }
}


def invoice_routes(portal: Portal, dependencies: SessionDependencies) -> APIRouter:
    api = APIRouter(prefix="/api/invoices", route_class=LocalizedRoute, tags=["invoices"])
    reading = Depends(dependencies.reading)

    @api.get("")
    @answers(documents.InvoicePage)
    async def listed(
        request: Request,
        session: Annotated[Session, reading],
        cursor: Cursor = None,
        limit: Limit = 12,
        status: OfStatus = None,
        year: OfYear = None,
    ) -> dict[str, Any]:
        """List the customer's invoices, newest first."""
        view = await portal.view(session)
        page = await portal.invoices(session, InvoiceQuery(year, status, cursor, limit))
        reader = Reader.of(view, language_of(request, session, view))
        return {"items": [invoice(reader, row, view.pending) for row in page.items], "next_cursor": page.next_cursor}

    @api.get("/export", response_class=Lines, responses=EXPORT)
    @answers(None, (429, "export_running"), (429, "too_many_requests"))
    async def export(
        request: Request, session: Annotated[Session, reading], format: Format, year: OfExportedYear = None
    ) -> Response:
        """Download the payment history: all of it, or that of the invoices of one year.

        One download runs at a time. An error midway breaks the connection off.
        """
        view = await portal.view(session)
        locale = file_locale(language_of(request, session, view), view.facts["customer"]["country"])
        download = await portal.export(session, format, locale, year)
        return StreamedDownload(download.chunks, download.over, download.filename, download.media_type)

    @api.get("/export/progress")
    @answers(documents.Progress, UNKNOWN_SESSION, security=SESSION)
    async def progress(request: Request) -> dict[str, Any]:
        """Read how far the running download is.

        The request does not prolong the session.
        """
        session = await portal.session(cookie_of(request), keep_alive=False)
        running = await portal.export_progress(session)
        if running is None:
            return {"progress": None}
        language = language_of(request, session, await portal.view(session))
        return {"progress": {**running, "text": invoices.made_so_far(language, **running)}}

    @api.get("/{invoice_id}")
    @answers(documents.WholeInvoice)
    async def one(request: Request, invoice_id: InvoiceId, session: Annotated[Session, reading]) -> dict[str, Any]:
        """Read an invoice, with its lines and everything that was owed and paid."""
        view = await portal.view(session)
        language = language_of(request, session, view)
        facts: dict[str, Any] = await portal.invoice(session, invoice_id)
        status = invoices.status(facts, view.pending)
        reader = Reader.of(view, language)
        words = {
            "status": status,
            "status_text": invoices.badge_of(reader, facts, status).text,
            "refund_status": refund_status({**facts, "status": status}),
            **payment.outcome(reader, view, {**facts, "status": status}),
        }
        path = f"/api/invoices/{invoice_id}"
        receipt_url = f"{path}/receipt/pdf" if has_receipt(facts) else None
        links = {"pdf_url": f"{path}/pdf", "url": f"/invoices/{invoice_id}", "receipt_url": receipt_url}
        notes = [{**note, "pdf_url": f"/api/credit-notes/{note['id']}/pdf"} for note in facts.get("credit_notes") or ()]
        body: dict[str, Any] = with_texts(language, {**facts, **words, **links, "credit_notes": notes})
        return body

    @api.get("/{invoice_id}/pdf", response_class=Response)
    @answers(None, (429, "too_many_requests"), media_types=("application/pdf",))
    async def pdf(invoice_id: InvoiceId, session: Annotated[Session, reading]) -> Response:
        """Read an invoice as a PDF document."""
        document = await portal.invoice_pdf(session, invoice_id)
        headers = download_headers(document.filename or f"{invoice_id}.pdf", "inline")
        return Response(document.content, media_type=document.media_type, headers=headers)

    @api.get("/{invoice_id}/receipt/pdf", response_class=Response)
    @answers(None, (429, "too_many_requests"), media_types=("application/pdf",))
    async def receipt(invoice_id: InvoiceId, session: Annotated[Session, reading]) -> Response:
        """Read the receipt for the payment of an invoice as a PDF document.

        It lists the refunds so far. An invoice for which no money was taken has none.
        """
        document = await portal.receipt_pdf(session, invoice_id)
        headers = download_headers(document.filename or f"{invoice_id}.pdf", "inline")
        return Response(document.content, media_type=document.media_type, headers=headers)

    return api


def credit_note_routes(portal: Portal, dependencies: SessionDependencies) -> APIRouter:
    api = APIRouter(prefix="/api/credit-notes", route_class=LocalizedRoute, tags=["invoices"])

    @api.get("/{credit_note_id}/pdf", response_class=Response)
    @answers(None, (429, "too_many_requests"), media_types=("application/pdf",))
    async def pdf(credit_note_id: CreditNoteId, session: Annotated[Session, Depends(dependencies.reading)]) -> Response:
        """Read a credit note as a PDF document."""
        document = await portal.credit_note_pdf(session, credit_note_id)
        headers = download_headers(document.filename or f"{credit_note_id}.pdf", "inline")
        return Response(document.content, media_type=document.media_type, headers=headers)

    return api
