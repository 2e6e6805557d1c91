"""The invoices of one customer: a page of the list, and single invoices."""

from dataclasses import dataclass
from uuid import UUID

from portal_gateway.application.customer_view import invoice_row
from portal_gateway.application.ports import Cursors, Invoicing, Views
from portal_gateway.application.refusals import InvalidCursor
from portal_gateway.application.requests import InvoiceQuery
from portal_gateway.application.results import InvoicePage, Neighbours
from portal_gateway.domain.access import InvoiceSession, Session
from portal_gateway.domain.invoice_status import status_of
from portal_gateway.domain.view import InvoiceRow

_OWN = ("status", "remedy", "detail", "authenticate_until", "charge_id", "charged_method_id")
"""What the portal knows better than the invoicing service, which does not follow running attempts."""


@dataclass(frozen=True, slots=True)
class PaymentHistory:
    views: Views
    invoicing: Invoicing
    cursors: Cursors

    async def page(self, session: Session, query: InvoiceQuery) -> InvoicePage:
        """Read a page of the list, newest first. Raises InvalidCursor, also for another customer's cursor."""
        before = self._position(session, query.cursor) if query.cursor else None
        rows: list[InvoiceRow] = []
        batch_size = query.limit + 1
        while True:
            batch = await self.views.invoices(session.merchant_id, session.customer_id, query.year, before, batch_size)
            candidates = [invoice_row(invoice, payment) for invoice, payment in batch]
            rows += [row for row in candidates if query.status in (None, status_of(row))]
            if len(rows) > query.limit:
                page = rows[: query.limit]
                return InvoicePage(page, self.cursor_after(session, page[-1]))
            if len(batch) < batch_size:
                return InvoicePage(rows, None)
            before = candidates[-1]["issued_on"], candidates[-1]["number"]

    async def one(self, session: Session | InvoiceSession, invoice_id: UUID) -> dict[str, object]:
        """Read an invoice as its service represents it, with the status that the portal shows."""
        invoice = await self.invoicing.invoice(session, invoice_id)
        stored = await self.views.invoice(session.merchant_id, session.customer_id, invoice_id)
        if stored is None:
            return invoice
        row = invoice_row(*stored)
        return invoice | {field: row[field] for field in _OWN if field in row}  # type: ignore[literal-required]

    async def neighbours(self, session: Session, invoice_id: UUID) -> Neighbours:
        return await self.views.neighbours(session.merchant_id, session.customer_id, invoice_id)

    def cursor_after(self, session: Session, last: InvoiceRow) -> str:
        """The cursor of the page that follows this invoice."""
        return self.cursors.encode({"of": str(session.customer_id), "on": last["issued_on"], "number": last["number"]})

    def _position(self, session: Session, cursor: str) -> tuple[str, str]:
        position = self.cursors.decode(cursor)
        if position.get("of") != str(session.customer_id):
            raise InvalidCursor
        return position["on"], position["number"]
