"""The invoices of one customer: page by page, and one by one."""

from dataclasses import dataclass
from uuid import UUID

from chassis.http.page_cursors import Cursors
from chassis.http.problems import Problem
from portal_gateway.application.customer_view import invoice_row
from portal_gateway.application.ports import Invoicing, Views
from portal_gateway.application.requests import InvoiceQuery
from portal_gateway.application.results import InvoicePage
from portal_gateway.domain.access import Session
from portal_gateway.domain.view import InvoiceRow


@dataclass(frozen=True, slots=True)
class History:
    views: Views
    invoicing: Invoicing
    cursors: Cursors

    async def page(self, session: Session, query: InvoiceQuery) -> InvoicePage:
        """Raises 422 `invalid_cursor`, also for a cursor of another customer's."""
        before = self._position(session, query.cursor) if query.cursor else None
        rows: list[InvoiceRow] = []
        wanted = query.limit + 1
        while True:
            found = await self.views.invoices(session.merchant_id, session.customer_id, query.year, before, wanted)
            candidates = [invoice_row(invoice, payment) for invoice, payment in found]
            rows += [row for row in candidates if query.status in (None, row["status"])]
            if len(rows) > query.limit:
                page = rows[: query.limit]
                return InvoicePage(page, self.cursor_after(session, page[-1]))
            if len(found) < wanted:
                return InvoicePage(rows, None)
            before = candidates[-1]["issued_on"], candidates[-1]["number"]

    async def one(self, session: Session, invoice_id: UUID) -> dict[str, object]:
        """The invoice as its service shows it, with this portal's word for its status."""
        invoice = await self.invoicing.invoice(session, invoice_id)
        kept = await self.views.invoice(session.merchant_id, session.customer_id, invoice_id)
        return invoice | {"status": invoice_row(*kept)["status"]} if kept else invoice

    def cursor_after(self, session: Session, last: InvoiceRow) -> str:
        """Where the page that follows this invoice begins."""
        return self.cursors.encode({"of": str(session.customer_id), "on": last["issued_on"], "number": last["number"]})

    def _position(self, session: Session, cursor: str) -> tuple[str, str]:
        position = self.cursors.decode(cursor)
        if position.get("of") != str(session.customer_id):
            raise Problem(422, "invalid_cursor", "The cursor is not one of ours")
        return position["on"], position["number"]
