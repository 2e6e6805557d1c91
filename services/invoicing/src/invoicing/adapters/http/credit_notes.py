"""The routes of credit notes: for merchants with their key, for customers through the portal."""

import asyncio
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field, StrictInt, StringConstraints

from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.event_store import Answer
from chassis.http.authentication import Merchant, MerchantOrCustomer, Principal, tenant_of
from chassis.http.bodies import StrictBody
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.downloads import download_headers
from chassis.http.page_cursors import Cursor, Cursors, Limit
from chassis.http.problems import not_found
from chassis.tenants import Tenants
from invoicing.adapters.http import credit_note_documents as documents
from invoicing.adapters.http.documents import CreditNote
from invoicing.adapters.http.invoices import position, require_invoice, sort_key
from invoicing.adapters.http.parameters import CreditNoteId, InvoiceId, OfCustomer, OfInvoice
from invoicing.application.credit_notes import (
    CreditNoteFilter,
    CreditNoteView,
    contained,
    credit_note_json,
)
from invoicing.application.ports import CreditNoteReader, InvoiceReader, RenderCreditNote
from invoicing.domain.invoice.commands import Command, Credit
from invoicing.domain.invoice.events import Credited, CreditReason, Event
from invoicing.domain.invoice.invoice import Invoice
from invoicing.domain.numbering import SeriesNumber, credit_series


class CreditedAmount(StrictBody):
    """An amount of money."""

    amount_minor: Annotated[StrictInt, Field(gt=0, le=2**53)]
    """Amount with tax, in the currency's smallest unit: 2999 is 29.99 USD."""
    currency: Annotated[str, StringConstraints(strict=True, pattern="^[A-Z]{3}$")]
    """ISO 4217 code: the invoice's."""


class NewCreditNote(StrictBody):
    """What to take back of a paid invoice."""

    reason: CreditReason
    """Why, as printed on the credit note."""
    amount: CreditedAmount | None = None
    """What to take back, with tax. When absent: all that is left of the invoice."""


def routes(
    handler: CommandHandler[Command, Event, Invoice],
    invoice_reader: InvoiceReader,
    notes: CreditNoteReader,
    render: RenderCreditNote,
    tenants: Tenants,
    cursors: Cursors,
) -> APIRouter:
    api = APIRouter(prefix="/v1")
    of_merchant: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
    """Serializes this process's credit notes of a merchant: of concurrent ones, all but one would find their number taken."""

    async def require_note(caller: Principal, id: UUID) -> CreditNoteView:
        view = await notes.one(caller.merchant_id, id, caller.customer_id)
        if view is None:
            raise not_found()
        return view

    @api.post("/invoices/{id}/credit-notes", status_code=201)
    @answers(
        documents.IssuedCreditNote,
        (404, "not_found"),
        (409, "under_review"),
        (409, "invoice_unpaid"),
        (409, "invoice_void"),
        (409, "credit_exceeds_invoice"),
        (409, "nothing_to_credit"),
    )
    async def issue(caller: Merchant, request: CommandParam, id: InvoiceId, body: NewCreditNote) -> Response:
        """Issue a credit note for a paid invoice, and refund its amount.

        The refund follows: payments requests it from the provider until its outcome is known. An invoice that is not paid is
        refused: void it instead.
        """
        invoice = await require_invoice(handler, invoice_reader, caller, id)
        tenant = await tenant_of(caller, tenants)
        series = credit_series(invoice.issued.series)

        def created(outcome: Outcome[Event, Invoice]) -> Answer:
            (credited,) = outcome.events
            assert isinstance(credited, Credited)
            view = CreditNoteView(
                caller.merchant_id, credited.credit_note_id, id, credited, invoice.issued, invoice.settlement.card
            )
            return Answer(201, credit_note_json(view) | {"aggregate": outcome.stream.name, "version": outcome.version})

        minor, currency = (body.amount.amount_minor, body.amount.currency) if body.amount else (None, None)

        async def numbered(command: Command) -> Command:
            """The command with the next number, which a concurrent credit note may take first."""
            assert isinstance(command, Credit)
            counter = await notes.counter(caller.merchant_id, series)
            number, _ = counter.next(command.at.astimezone(tenant.zone).date())
            return replace(command, series_number=number)

        async with of_merchant.setdefault(caller.merchant_id, asyncio.Lock()):
            now = tenant.now()
            first = Credit(uuid4(), SeriesNumber(series, 0, now.date()), minor, currency, body.reason, contained, now)
            return await request.handle(handler, id, await numbered(first), answer=created, again=numbered)

    @api.get("/credit-notes")
    @answers(documents.CreditNotePage, (404, "not_found"))
    async def listed(
        caller: MerchantOrCustomer,
        limit: Limit = 20,
        cursor: Cursor = None,
        customer_id: OfCustomer = None,
        invoice_id: OfInvoice = None,
    ) -> dict[str, Any]:
        """List credit notes, newest first."""
        if caller.customer_id and customer_id not in (None, caller.customer_id):
            raise not_found()
        note_filter = CreditNoteFilter(caller.customer_id or customer_id, invoice_id)
        after = sort_key(cursors.decode(cursor)) if cursor else None
        views = await notes.page(caller.merchant_id, note_filter, after, limit + 1)
        page = views[:limit]
        following = cursors.encode(position(page[-1].sort_key)) if len(views) > limit else None
        return {"items": [credit_note_json(view) for view in page], "next_cursor": following}

    @api.get("/credit-notes/{id}")
    @answers(CreditNote)
    async def one(caller: MerchantOrCustomer, id: CreditNoteId) -> dict[str, Any]:
        """Read a credit note, with the state of its refund."""
        return credit_note_json(await require_note(caller, id))

    @api.get("/credit-notes/{id}/pdf", response_class=Response)
    @answers(None, media_types=("application/pdf",))
    async def pdf(caller: MerchantOrCustomer, id: CreditNoteId) -> Response:
        """Read a credit note as a PDF document."""
        view = await require_note(caller, id)
        content = await render(await notes.document(view))
        headers = download_headers(f"{view.credited.number}.pdf", "inline")
        return Response(content, headers=headers, media_type="application/pdf")

    return api
