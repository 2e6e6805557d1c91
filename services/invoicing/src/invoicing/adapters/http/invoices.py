"""The routes of invoicing: for merchants with their key, for customers through the portal."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.authentication import Merchant, MerchantOrCustomer, Principal, only, tenant_of
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.downloads import StreamedDownload, download_headers
from chassis.http.page_cursors import Cursor, Cursors, Limit
from chassis.http.problems import Problem, not_found, under_review
from chassis.tenants import Tenant, Tenants
from invoicing.adapters.http import documents
from invoicing.adapters.http.parameters import CustomerId, Format, InvoiceId, Locale, OfCustomer, OfStatus, OfYear
from invoicing.application.history import Render
from invoicing.application.invoices import InvoiceFilter, InvoiceView, SortKey
from invoicing.application.ports import CreditNoteReader, Exporter, InvoiceReader
from invoicing.application.representations import detail, summary
from invoicing.domain.invoice.commands import Command, Void
from invoicing.domain.invoice.events import Event
from invoicing.domain.invoice.invoice import Invoice

ReaderOfOne = Annotated[Principal, Depends(only("merchant", "customer", "service"))]
"""The portal gateway reads the customer of an invoice that has not arrived there yet, for its merchant."""


def routes(
    handler: CommandHandler[Command, Event, Invoice],
    invoice_reader: InvoiceReader,
    notes: CreditNoteReader,
    exporter: Exporter,
    render: Render,
    tenants: Tenants,
    cursors: Cursors,
) -> APIRouter:
    api = APIRouter(prefix="/v1")

    async def require_customer(caller: Principal, customer_id: UUID) -> Tenant:
        """The customer's merchant."""
        caller.must_own(customer_id)
        tenant = await tenants.get(caller.merchant_id)
        if tenant is None or not await invoice_reader.knows(caller.merchant_id, customer_id):
            raise not_found()
        return tenant

    @api.get("/invoices")
    @answers(documents.InvoicePage, (404, "not_found"))
    async def invoices(
        caller: MerchantOrCustomer,
        limit: Limit = 20,
        cursor: Cursor = None,
        status: OfStatus = None,
        year: OfYear = None,
        customer_id: OfCustomer = None,
    ) -> dict[str, Any]:
        """List invoices, newest first.

        The list of an unknown customer is empty.
        """
        if caller.customer_id and customer_id not in (None, caller.customer_id):
            raise not_found()
        invoice_filter = InvoiceFilter(caller.customer_id or customer_id, status, year)
        after = sort_key(cursors.decode(cursor)) if cursor else None
        views = await invoice_reader.page(caller.merchant_id, invoice_filter, after, limit + 1)
        page = views[:limit]
        following = cursors.encode(position(page[-1].sort_key)) if len(views) > limit else None
        return {"items": [summary(view) for view in page], "next_cursor": following}

    @api.get("/invoices/{id}")
    @answers(documents.Invoice, (409, "under_review"))
    async def invoice(caller: ReaderOfOne, id: InvoiceId) -> dict[str, Any]:
        """Read an invoice, with its lines and everything that was owed and paid."""
        view = await require_invoice(handler, invoice_reader, caller, id)
        document = await invoice_reader.document(view)
        credit_notes = await notes.of_invoice(caller.merchant_id, id, view.issued.customer_id) if view.settlement.credited else ()
        return detail(view, document.bill_to, await invoice_reader.movements(view), credit_notes)

    @api.get("/invoices/{id}/pdf", response_class=Response)
    @answers(None, (409, "under_review"), media_types=("application/pdf",))
    async def pdf(caller: MerchantOrCustomer, id: InvoiceId) -> Response:
        """Read an invoice as a PDF document."""
        view = await require_invoice(handler, invoice_reader, caller, id)
        content = await render(await invoice_reader.document(view))
        return Response(content, headers=download_headers(f"{view.issued.number}.pdf", "inline"), media_type="application/pdf")

    @api.post("/invoices/{id}/void", status_code=202)
    @answers(documents.Accepted, (409, "invoice_paid"), (409, "invoice_void"))
    async def void(caller: Merchant, request: CommandParam, id: InvoiceId) -> Response:
        """Void an open invoice: nothing is owed on it any more."""
        return await request.handle(handler, id, Void("merchant", (await tenant_of(caller, tenants)).now()))

    @api.get("/customers/{customer_id}/export", response_class=Response)
    @answers(None, (429, "export_running"), media_types=("text/csv", "application/zip", "application/x-ndjson"))
    async def export(
        caller: MerchantOrCustomer,
        customer_id: CustomerId,
        format: Format = "csv",
        locale: Locale = "es",
        year: OfYear = None,
    ) -> Response:
        """Download a customer's payment history: all of it, or that of the invoices of one year.

        One download runs at a time for each customer. An error midway breaks the connection off.
        """
        tenant = await require_customer(caller, customer_id)
        today = tenant.now().astimezone(tenant.zone).date()
        download = await exporter.begin(caller.merchant_id, customer_id, format, locale, today, year)
        if download is None:
            raise Problem(429, "export_running", "Another download of this history is running", headers={"retry-after": "10"})
        return StreamedDownload(download.stream, download.over, download.name, download.media_type)

    @api.get("/customers/{customer_id}/export/progress")
    @answers(documents.Progress)
    async def progress(caller: MerchantOrCustomer, customer_id: CustomerId) -> dict[str, Any]:
        """Read how far a customer's running download is."""
        await require_customer(caller, customer_id)
        running = await exporter.progress(caller.merchant_id, customer_id)
        return {"progress": asdict(running) if running else None}

    return api


async def require_invoice(
    handler: CommandHandler[Command, Event, Invoice], invoice_reader: InvoiceReader, caller: Principal, id: UUID
) -> InvoiceView:
    """The caller's invoice. Raises Problem 404, and 409 while it is under review after a restore."""
    view = await invoice_reader.one(caller.merchant_id, id, caller.customer_id)
    if view is None:
        lost = (await handler.load(caller.merchant_id, id)).lost
        if lost.under_review and caller.customer_id in (None, lost.customer_id):
            raise under_review()
        raise not_found()
    return view


def position(sort_key: SortKey) -> dict[str, Any]:
    issued_on, ordinal, id = sort_key
    return {"on": issued_on.isoformat(), "n": ordinal, "id": str(id)}


def sort_key(position: dict[str, Any]) -> SortKey:
    """Raises Problem 422 for a cursor of another list."""
    try:
        return date.fromisoformat(position["on"]), int(position["n"]), UUID(position["id"])
    except (KeyError, TypeError, ValueError):
        raise Problem(422, "invalid_cursor", "The cursor is not one of this list") from None
