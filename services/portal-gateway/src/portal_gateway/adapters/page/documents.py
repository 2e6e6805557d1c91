"""An invoice as a page and as a PDF, its receipt and credit notes, and the export of the payment history."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from chassis.http.downloads import StreamedDownload, download_headers
from chassis.http.problems import Problem, not_found
from portal_gateway.adapters.page import request_context
from portal_gateway.adapters.page.error_pages import page_route
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.downloads import ExportFormat
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.invoices import invoice as invoice_words
from portal_gateway.application.presentation.language import file_locale

FORMATS: Final[dict[str, ExportFormat]] = {"csv": "csv", "zip": "zip", "ndjson": "ndjson"}


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get("/invoices/{invoice_id:uuid}")
    async def invoice(invoice_id: UUID, request: Request) -> Response:
        visit = await request_context.visit(portal, request)
        language = request_context.language(request)
        facts = await portal.invoice(visit.session, invoice_id)
        words = invoice_words(Reader.of(visit.view, language), facts, visit.view)
        return pages.page(
            "invoice.html",
            request,
            heading=language.say("Invoice %(number)s", number=words.number),
            invoice=words,
            around=await portal.invoice_neighbours(visit.session, invoice_id),
        )

    @router.get("/invoices/{invoice_id:uuid}.pdf")
    async def pdf(invoice_id: UUID, request: Request) -> Response:
        visit = await request_context.visit(portal, request)
        document = await portal.invoice_pdf(visit.session, invoice_id)
        return Response(document.content, 200, download_headers(document.filename or f"{invoice_id}.pdf"), document.media_type)

    @router.get("/invoices/{invoice_id:uuid}/receipt.pdf")
    async def receipt(invoice_id: UUID, request: Request) -> Response:
        visit = await request_context.visit(portal, request)
        document = await portal.receipt_pdf(visit.session, invoice_id)
        return Response(document.content, 200, download_headers(document.filename or f"{invoice_id}.pdf"), document.media_type)

    @router.get("/credit-notes/{credit_note_id:uuid}.pdf")
    async def credit_note(credit_note_id: UUID, request: Request) -> Response:
        visit = await request_context.visit(portal, request)
        document = await portal.credit_note_pdf(visit.session, credit_note_id)
        headers = download_headers(document.filename or f"{credit_note_id}.pdf")
        return Response(document.content, 200, headers, document.media_type)

    @router.get("/export.{format}")
    async def export(format: str, request: Request) -> Response:
        if format not in FORMATS:
            raise not_found()
        visit, query = await request_context.visit(portal, request), request_context.history_query(request)
        if "year" in request_context.invalid_filters(request, query):
            raise Problem(422, "invalid_request", "The year is not one")
        locale = file_locale(request_context.language(request), visit.view.facts["customer"]["country"])
        download = await portal.export(visit.session, FORMATS[format], locale, query.year)
        return StreamedDownload(download.chunks, download.over, download.filename, download.media_type)

    return router
