"""The history: page by page, one by one, as documents, and whole."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from chassis.http.cursors import Limit
from portal_gateway.adapters.api.asking import Door, Spoken, language_of, with_texts
from portal_gateway.adapters.api.shapes import invoice
from portal_gateway.application import wording_invoices
from portal_gateway.application.answers import ExportFormat, InvoiceQuery
from portal_gateway.application.portal import Portal
from portal_gateway.application.wording import Reader
from portal_gateway.domain.access import Session
from portal_gateway.domain.view import InvoiceStatus


def invoice_routes(portal: Portal, door: Door) -> APIRouter:
    api = APIRouter(prefix="/api/invoices", route_class=Spoken, tags=["invoices"])
    reading = Depends(door.reading)

    @api.get("")
    async def listed(
        request: Request,
        session: Annotated[Session, reading],
        cursor: Annotated[str | None, Query(max_length=500)] = None,
        limit: Limit = 12,
        status: InvoiceStatus | None = None,
        year: Annotated[int | None, Query(ge=1, le=9999)] = None,
    ) -> dict[str, Any]:
        view = await portal.view(session)
        page = await portal.invoices(session, InvoiceQuery(year, status, cursor, limit))
        language = language_of(request, session, view)
        reader = Reader.of(view, language)
        shown: dict[str, Any] = with_texts(
            language, {"items": [invoice(reader, row) for row in page.items], "next_cursor": page.next_cursor}
        )
        return shown

    @api.get("/export")
    async def export(request: Request, session: Annotated[Session, reading], format: ExportFormat) -> StreamingResponse:
        """An error midway aborts the connection: never a valid short file."""
        language = language_of(request, session, await portal.view(session))
        download = await portal.export(session, format, language.tag)
        return StreamingResponse(download.chunks, media_type=download.media_type, headers=attachment(download.filename))

    @api.get("/{invoice_id}")
    async def one(request: Request, invoice_id: UUID, session: Annotated[Session, reading]) -> dict[str, Any]:
        view = await portal.view(session)
        language = language_of(request, session, view)
        found = await portal.invoice(session, invoice_id)
        status = wording_invoices.status(found, view.pending)
        words = {"status": status, "status_text": wording_invoices.badge(Reader.of(view, language), status).text}
        links = {"pdf_url": f"/api/invoices/{invoice_id}/pdf", "url": f"/invoices/{invoice_id}"}
        shown: dict[str, Any] = with_texts(language, {**found, **words, **links})
        return shown

    @api.get("/{invoice_id}/pdf")
    async def pdf(invoice_id: UUID, session: Annotated[Session, reading]) -> Response:
        document = await portal.invoice_pdf(session, invoice_id)
        headers = {"content-disposition": f'inline; filename="{document.filename}"'}
        return Response(document.content, media_type=document.media_type, headers=headers)

    return api


def attachment(filename: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{filename}"'}
