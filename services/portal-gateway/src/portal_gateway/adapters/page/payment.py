"""The payment dialog: the charges and their effect, the confirmation, and the result."""

import re
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from chassis.http.problems import Problem
from portal_gateway.adapters.page import forms, request_context
from portal_gateway.adapters.page.error_pages import page_route
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.bank_confirmation import waits
from portal_gateway.application.presentation.card_change import outcome
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.invoices import status
from portal_gateway.application.presentation.notice import pay_button
from portal_gateway.application.presentation.payment import does, lines
from portal_gateway.application.presentation.payment_offer import Offer, of_invoice
from portal_gateway.application.presentation.problems import explain
from portal_gateway.application.requests import PaymentRequest
from portal_gateway.application.results import PaymentPreview
from portal_gateway.application.view import Position, Visit

STOP_POLLING: Final = 286
"""The status with which htmx ends a poll."""
_AMOUNT: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get("/invoices/{invoice_id:uuid}/payment")
    async def show(invoice_id: UUID, request: Request) -> Response:
        """The form, or the result once a charge exists or nothing is owed."""
        position = request_context.after(request)
        visit = await request_context.visit(portal, request, position, keep_alive=request_context.by_customer(request))
        sheet = await Sheet.of(portal, pages, request, visit, invoice_id)
        has_begun = position is not None and position.aggregate == f"payment-{invoice_id}"
        payable = sheet.status in ("open", "failed") or waits(sheet.facts, sheet.visit.view)
        return sheet.result() if has_begun or not payable else await sheet.form()

    @router.post("/invoices/{invoice_id:uuid}/payment")
    async def confirm(invoice_id: UUID, request: Request) -> Response:
        visit, form = await request_context.visit(portal, request), await forms.form(request)
        portal.must_be_of(visit.session, request_context.token(request, form))
        try:
            begun = await portal.pay(visit.session, invoice_id, confirmed(form), idempotency_key=form.key())
        except Problem as problem:
            if problem.code != "amount_changed":
                raise
            sheet = await Sheet.of(portal, pages, request, visit, invoice_id)
            return await sheet.form(problem)
        position = Position(begun["aggregate"], begun["version"])
        parameters = {**request_context.navigation_state(request), "after": position}
        return RedirectResponse(request_context.address(f"/invoices/{invoice_id}/payment", parameters), 303)

    return router


def confirmed(form: forms.Form) -> PaymentRequest:
    """The payment that the form showed. Raises Problem 422 for a malformed form."""
    amount, currency = _AMOUNT.fullmatch(form.text("amount_minor")), _CURRENCY.fullmatch(form.text("currency"))
    try:
        method, charges = UUID(form.text("payment_method_id")), [UUID(each) for each in form.text("charges").split()]
    except ValueError:
        method, charges = None, []
    if amount is None or currency is None or method is None:
        raise Problem(422, "invalid_request", "The form is not what it should be")
    shown = {"amount_minor": int(amount[0]), "currency": currency[0]}
    return PaymentRequest(method, shown, charges, form.text("effect") or None)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The dialog of one invoice, with the reader's language."""

    portal: Portal
    pages: Pages
    request: Request
    visit: Visit
    reader: Reader
    facts: dict[str, Any]

    @classmethod
    async def of(cls, portal: Portal, pages: Pages, request: Request, visit: Visit, invoice_id: UUID) -> "Sheet":
        """Raises Problem 404 if the invoice does not belong to the customer."""
        reader = Reader.of(visit.view, request_context.language(request))
        return cls(portal, pages, request, visit, reader, await portal.invoice(visit.session, invoice_id))

    @property
    def status(self) -> str:
        return status(self.facts, self.visit.view.pending)

    async def form(self, problem: Problem | None = None) -> Response:
        """The form; with a `problem` again after the list of charges has changed, as 422 like every form with errors."""
        view, reader = self.visit.view, self.reader
        preview = await self.portal.payment_preview(self.visit.session, UUID(str(self.facts["id"])))
        if preview["running"] and problem is None and not waits(self.facts, view):
            return replace(self, facts={**self.facts, "status": "processing"}).result()  # the charge has not arrived here yet
        if not preview["due"] or preview["total"] is None:
            raise Problem(409, "nothing_owed", "Nothing is owed on this invoice")
        offer = of_invoice(reader, view, self.facts)
        total = reader.money(preview["total"])
        if offer.confirms:
            return self._confirmation(offer, preview, total)
        return self._page(
            "pay.html",
            status=422 if problem else 200,
            heading=offer.button or reader.say("Invoice %(number)s", number=self.facts["number"]),
            problem=explain(reader.language, problem.status, problem.code, problem.headers) if problem else None,
            problem_code=problem.code if problem else None,
            lines=lines(reader, view, preview["due"]),
            total=total if len(preview["due"]) > 1 else None,
            statements=does(reader, view, preview["due"], more=preview.get("more", False)),
            cards=offer.cards,
            why_not=offer.why_not,
            pay=pay_button(reader, view),
            confirm=reader.say("Confirm and pay %(amount)s", amount=total),
            confirmed={
                **({"payment_method_id": offer.cards[0].id} if len(offer.cards) == 1 else {}),
                **preview["total"],
                "charges": " ".join(each["invoice_id"] for each in preview["due"]),
                "effect": preview["due"][0].get("effect") or "",
            },
            idempotency_key=uuid4(),
        )

    def _confirmation(self, offer: Offer, preview: PaymentPreview, total: str) -> Response:
        """The dialog in which the customer confirms the charge at their bank. Its script sends what is shown here."""
        reader, view, due, [card] = self.reader, self.visit.view, preview["due"], offer.cards
        shown = {
            "payment_method_id": card.id,
            **preview["total"],  # type: ignore[dict-item]
            "charge_invoices": [each["invoice_id"] for each in due],
            **({"effect": due[0]["effect"]} if due[0].get("effect") else {}),
        }
        return self._page(
            "confirm_at_bank.html",
            status=200,
            heading=offer.button,
            card=card.label,
            lines=lines(reader, view, due),
            total=total if len(due) > 1 else None,
            statements=does(reader, view, due, more=preview.get("more", False)),
            confirm=reader.say("Confirm and pay %(amount)s", amount=total),
            begins=len(due) == 1 or waits(self.facts, view),  # the notice has shown this amount, or it is confirmed already
            begin=f"/api/invoices/{offer.invoice_id}/authentication",
            shown=shown,
        )

    def result(self) -> Response:
        shown = outcome(self.reader, self.visit.view, {**self.facts, "status": self.status})
        polled = not request_context.by_customer(self.request)
        return self._page(
            "paid.html", status=STOP_POLLING if polled and shown.settled else 200, heading=shown.title, outcome=shown
        )

    def _page(self, template: str, status: int, **words: Any) -> Response:
        here = request_context.navigation_state(self.request)
        again = request_context.address("", here | request_context.outcome(self.request))
        path = f"/invoices/{self.facts['id']}/payment"
        return self.pages.page(
            template, self.request, status=status, home=request_context.address("/", here), path=path, again=again, **words
        )
