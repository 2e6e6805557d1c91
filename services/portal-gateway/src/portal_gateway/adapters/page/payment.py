"""Paying an invoice with the card on file: what is charged and what it does, the confirmation, and what came of it."""

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
from portal_gateway.application.presentation.card_change import outcome
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.invoices import status
from portal_gateway.application.presentation.notice import pay_button
from portal_gateway.application.presentation.payment import does, lines, of_invoice
from portal_gateway.application.presentation.problems import explain
from portal_gateway.application.requests import PaymentRequest
from portal_gateway.application.view import Position, Visit

STOP_POLLING: Final = 286
"""The status with which htmx ends a poll."""
_AMOUNT: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get("/invoices/{invoice_id:uuid}/payment")
    async def show(invoice_id: UUID, request: Request) -> Response:
        """The confirmation; what came of it, once there is a charge or nothing is owed any more."""
        position = request_context.after(request)
        visit = await request_context.visit(portal, request, position, keep_alive=request_context.by_customer(request))
        sheet = await Sheet.of(portal, pages, request, visit, invoice_id)
        begun = position is not None and position.aggregate == f"payment-{invoice_id}"
        return sheet.result() if begun or sheet.status not in ("open", "failed") else await sheet.form()

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
        told = {**request_context.navigation_state(request), "after": position}
        return RedirectResponse(request_context.address(f"/invoices/{invoice_id}/payment", told), 303)

    return router


def confirmed(form: forms.Form) -> PaymentRequest:
    """What the form showed. Raises Problem 422 for a form that is none of ours."""
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
    """One invoice of the customer who asks, and how they read."""

    portal: Portal
    pages: Pages
    request: Request
    visit: Visit
    reader: Reader
    facts: dict[str, Any]

    @classmethod
    async def of(cls, portal: Portal, pages: Pages, request: Request, visit: Visit, invoice_id: UUID) -> "Sheet":
        """Raises Problem 404 for an invoice that is not the customer's."""
        reader = Reader.of(visit.view, request_context.language(request))
        return cls(portal, pages, request, visit, reader, await portal.invoice(visit.session, invoice_id))

    @property
    def status(self) -> str:
        return status(self.facts, self.visit.view.pending)

    async def form(self, problem: Problem | None = None) -> Response:
        """With `problem` again, after the list has changed: 422, as every form that has to be looked at again."""
        view, reader = self.visit.view, self.reader
        found = await self.portal.payment_preview(self.visit.session, UUID(str(self.facts["id"])))
        if found["running"] and problem is None:
            return replace(self, facts={**self.facts, "status": "processing"}).result()  # not seen here yet
        if not found["due"] or found["total"] is None:
            raise Problem(409, "nothing_owed", "Nothing is owed on this invoice")
        card, offer = view.facts["payment_method"], of_invoice(reader, view, self.facts)
        total = reader.money(found["total"])
        return self._page(
            "pay.html",
            status=422 if problem else 200,
            heading=offer.button or reader.say("Invoice %(number)s", number=self.facts["number"]),
            problem=explain(reader.language, problem.status, problem.code, problem.headers) if problem else None,
            lines=lines(reader, view, found["due"]),
            total=total if len(found["due"]) > 1 else None,
            statements=does(reader, view, found["due"], more=found.get("more", False)),
            card=card if offer.button else None,
            why_not=offer.why_not,
            pay=pay_button(reader, view),
            confirm=reader.say("Confirm and pay %(amount)s", amount=total),
            confirmed={
                "payment_method_id": card["id"] if card else "",
                **found["total"],
                "charges": " ".join(each["invoice_id"] for each in found["due"]),
                "effect": found["due"][0].get("effect") or "",
            },
            idempotency_key=uuid4(),
        )

    def result(self) -> Response:
        told = outcome(self.reader, self.visit.view, {**self.facts, "status": self.status})
        polled = not request_context.by_customer(self.request)
        return self._page("paid.html", status=STOP_POLLING if polled and told.settled else 200, heading=told.title, outcome=told)

    def _page(self, template: str, status: int, **words: Any) -> Response:
        here = request_context.navigation_state(self.request)
        again = request_context.address("", here | request_context.outcome(self.request))
        path = f"/invoices/{self.facts['id']}/payment"
        return self.pages.page(
            template, self.request, status=status, home=request_context.address("/", here), path=path, again=again, **words
        )
