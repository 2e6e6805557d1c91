"""The commands of the API: cancelling, the card, paying; and the previews of their effects."""

from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Request

from chassis.http.description import answers
from chassis.http.problems import Problem
from portal_gateway.adapters.api import documents, payment_documents
from portal_gateway.adapters.api.bodies import Amount, Cancelling, CardEntry, NewCard, Payment
from portal_gateway.adapters.api.dependencies import IdempotencyKey, LocalizedRoute, SessionDependencies, language_of, with_texts
from portal_gateway.adapters.api.parameters import InvoiceId, Mode, SubscriptionId
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation import payment
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.price import of_subscription, renewals
from portal_gateway.application.requests import CancelRequest, Looks, PaymentRequest
from portal_gateway.application.results import Dues
from portal_gateway.application.view import View
from portal_gateway.domain.access import Session
from portal_gateway.domain.view import Money

DECLINED: Final = ("card_declined", "insufficient_funds", "expired_card", "incorrect_cvc")
WITHDRAWAL_REFUSALS: Final = ((409, "no_cancellation"), (409, "cancellation_took_effect"), (429, "too_many_requests"))
OPENING_REFUSALS: Final = (
    (404, "not_found"),
    (409, "too_many_payment_methods"),
    (429, "too_many_requests"),
    (429, "too_many_openings"),
)
CARD_REFUSALS: Final = (
    (404, "not_found"),
    (409, "due_changed"),
    (422, "invalid_token"),
    (429, "too_many_declines"),
    (429, "too_many_requests"),
)
PAYMENT_REFUSALS: Final = (
    (404, "not_found"),
    (409, "amount_changed"),
    (409, "charge_running"),
    (409, "nothing_owed"),
    (409, "payment_method_gone"),
    (429, "too_many_payments"),
    (429, "too_many_requests"),
)


def command_routes(portal: Portal, dependencies: SessionDependencies) -> APIRouter:
    api = APIRouter(prefix="/api", route_class=LocalizedRoute, tags=["commands"])
    reading, acting = Depends(dependencies.reading), Depends(dependencies.acting)

    @api.get("/subscriptions/{subscription_id}/cancellation/preview")
    @answers(documents.CancellationPreview, (409, "already_cancelled"))
    async def preview(
        request: Request, subscription_id: SubscriptionId, session: Annotated[Session, reading], mode: Mode = None
    ) -> dict[str, Any]:
        """Preview a cancellation."""
        preview, view = await portal.cancellation_preview(session, subscription_id, mode), await portal.view(session)
        language = language_of(request, session, view)
        subscription = next((it for it in view.facts["subscriptions"] if it["id"] == str(subscription_id)), None)
        price = of_subscription(Reader.of(view, language), subscription).text if subscription else None
        body: dict[str, Any] = with_texts(language, {**preview, "frequency_text": price})
        return body

    @api.post("/subscriptions/{subscription_id}/cancellation", status_code=202)
    @answers(documents.CancellationAccepted, (409, "already_cancelled"), (429, "too_many_requests"))
    async def cancel(
        subscription_id: SubscriptionId,
        session: Annotated[Session, acting],
        body: Cancelling | None = None,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Cancel a subscription, at the end of its period or immediately."""
        cancellation = CancelRequest(body.mode, body.feedback, body.comment) if body else CancelRequest()
        return {**await portal.cancel(session, subscription_id, cancellation, idempotency_key=idempotency_key)}

    @api.delete("/subscriptions/{subscription_id}/cancellation", status_code=202)
    @answers(documents.CancellationWithdrawn, *WITHDRAWAL_REFUSALS)
    async def keep(
        subscription_id: SubscriptionId, session: Annotated[Session, acting], idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Withdraw a scheduled cancellation."""
        return {**await portal.withdraw_cancellation(session, subscription_id, idempotency_key=idempotency_key)}

    @api.post("/payment-method/setup", status_code=201)
    @answers(payment_documents.CardSetup, *OPENING_REFUSALS)
    async def open_card_setup(
        request: Request, session: Annotated[Session, acting], body: CardEntry | None = None
    ) -> dict[str, Any]:
        """Open a page on which the customer can type a card: a new default, or one to store beside the others."""
        view = await portal.view(session)
        language = language_of(request, session, view)
        colour = (view.merchant.get("branding") or {}).get("colour")
        adding = body is not None and body.purpose == "add"
        opening = portal.cards.open_setup if adding else portal.open_card_setup
        setup = await opening(session, locale=language.tag, colour=colour)
        reader = Reader.of(view, language)
        renewing = (
            []
            if adding
            else [{"subscription_id": it.id, "plan_name": it.plan, "frequency_text": it.price} for it in renewals(reader, view)]
        )
        shown: dict[str, Any] = with_texts(language, {**setup, **sentences(reader, view, setup), "renewals": renewing})
        return shown

    @api.put("/payment-method")
    @answers(payment_documents.CardUpdated, *((402, code) for code in DECLINED), *CARD_REFUSALS)
    async def update_card(
        request: Request, body: NewCard, session: Annotated[Session, acting], idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Make a card that was typed the default, and charge what was listed."""
        totals = None if body.totals is None else [amount(each) for each in body.totals]
        try:
            updated = await portal.update_card(
                session, body.setup_id, body.token, body.charge_invoices, totals=totals, idempotency_key=idempotency_key
            )
        except Problem as problem:
            raise await with_sentences(request, session, problem) from None
        return {**updated}

    @api.get("/invoices/{invoice_id}/payment")
    @answers(payment_documents.PaymentPreview, (404, "not_found"))
    async def preview_payment(request: Request, invoice_id: InvoiceId, session: Annotated[Session, reading]) -> dict[str, Any]:
        """Preview what paying an invoice now charges, and what it does."""
        view = await portal.view(session)
        language = language_of(request, session, view)
        preview = await portal.payment_preview(session, invoice_id)
        shown: dict[str, Any] = with_texts(language, {**preview, **sentences(Reader.of(view, language), view, preview)})
        return shown

    @api.post("/invoices/{invoice_id}/payment", status_code=202)
    @answers(payment_documents.PaymentStarted, *PAYMENT_REFUSALS)
    async def pay(
        request: Request,
        invoice_id: InvoiceId,
        body: Payment,
        session: Annotated[Session, acting],
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Pay an open invoice now with a card on file.

        One charge begins, five a day for each invoice at most. 409 `amount_changed` names the new amount.
        """
        payment_request = PaymentRequest(body.payment_method_id, amount(body), body.charge_invoices, body.effect)
        try:
            begun = await portal.pay(session, invoice_id, payment_request, idempotency_key=idempotency_key)
        except Problem as problem:
            raise await with_sentences(request, session, problem) from None
        shown: dict[str, Any] = with_texts(language_of(request, session, await portal.view(session)), {**begun})
        return shown

    @api.post("/invoices/{invoice_id}/authentication", status_code=202)
    @answers(payment_documents.AuthenticationStarted, *PAYMENT_REFUSALS, (429, "too_many_openings"))
    async def authenticate(
        request: Request,
        invoice_id: InvoiceId,
        body: Payment,
        session: Annotated[Session, acting],
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Pay an open invoice with a card on file, and confirm the charge at the customer's bank.

        One charge begins, as with a payment, and waits for the customer for 15 minutes. The page at `frame_url` shows the bank's
        question. Repeating the call while the charge is under way opens that page again.
        """
        payment_request = PaymentRequest(body.payment_method_id, amount(body), body.charge_invoices, body.effect)
        view = await portal.view(session)
        looks = Looks(language_of(request, session, view).tag, (view.merchant.get("branding") or {}).get("colour"))
        try:
            begun = await portal.authenticate(session, invoice_id, payment_request, looks, idempotency_key=idempotency_key)
        except Problem as problem:
            raise await with_sentences(request, session, problem) from None
        return {**begun}

    async def with_sentences(request: Request, session: Session, problem: Problem) -> Problem:
        """Add the sentences of the problem's list of charges, if it has one: the customer confirms that list next."""
        if "due" in problem.more:
            view = await portal.view(session)
            reader = Reader.of(view, language_of(request, session, view))
            problem.more |= sentences(reader, view, cast(Dues, problem.more))
        return problem

    return api


def amount(body: Amount | Payment) -> Money:
    return {"amount_minor": body.amount_minor, "currency": body.currency}


def sentences(reader: Reader, view: View, dues: Dues) -> dict[str, Any]:
    """`text` of each charge; `lines` {text, amount_text} as the dialog shows them; `statements`: the effects of confirming."""
    due = [{**each, "text": payment.label(reader, each)} for each in dues["due"]]
    lines = [{"text": line.text, "amount_text": line.amount} for line in payment.lines(reader, view, dues["due"])]
    statements = payment.does(reader, view, dues["due"], more=dues.get("more", False))
    return {"due": due, "lines": lines, "statements": statements}
