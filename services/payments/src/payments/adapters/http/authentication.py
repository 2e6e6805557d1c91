"""Confirm the payment of an open invoice at the customer's bank."""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from chassis.eventsourcing.event_store import Answer
from chassis.http.authentication import only
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.problems import Problem, not_found
from payments.adapters.http import documents
from payments.adapters.http.bodies import NewAuthentication
from payments.adapters.http.parameters import CustomerId, InvoiceOfCustomer
from payments.adapters.http.payment_preview import NOT_BEGUN, response_to_payment
from payments.adapters.http.stored_answers import StoredAnswers, slow_down
from payments.application.authentication import BankAuthentication, BegunAuthentication, Looks
from payments.application.card_change import method_json
from payments.application.pay_now import PayNowRequest
from payments.application.ports import Collections, SetUps


def routes(
    authentication: BankAuthentication,
    collections: Collections,
    setups: SetUps,
    stored_answers: StoredAnswers,
    *,
    cards_url: str,
    portal_origin: str,
) -> APIRouter:
    api = APIRouter(prefix="/v1/customers/{customer_id}")

    def begun(opened: BegunAuthentication) -> Answer:
        charge, method = opened.charge, opened.charge.method
        assert method is not None, "a payment with a card on file has a card"
        body: dict[str, Any] = {
            "id": str(charge.id),
            "invoice_id": str(opened.payment.id),
            "attempt": charge.number,
            "status": "open",
            "payment_method": method_json(method),
            "setup_id": str(opened.setup_id),
            "frame_url": f"{cards_url.rstrip('/')}/cards/{opened.setup_id}/confirm/{charge.id}",
            "aggregate": opened.payment.name,
            "version": opened.version,
        }
        return Answer(201, body)

    @api.post("/invoices/{invoice_id}/authentication", status_code=201, dependencies=[Depends(only("customer"))])
    @answers(documents.StartedAuthentication, *NOT_BEGUN, (422, "portal_origin_refused"), (429, "too_many_openings"))
    async def begin(
        customer_id: CustomerId, invoice_id: InvoiceOfCustomer, body: NewAuthentication, request: CommandParam
    ) -> Response:
        """Pay an open invoice with a card on file while the customer is present to confirm the charge at their bank.

        One charge begins, as with `POST /v1/charges`. It waits for the customer for 15 minutes. Repeating the call while it is
        under way opens the page again.
        """
        caller = request.principal
        caller.must_own(customer_id)
        if await collections.customer_of(caller.merchant_id, invoice_id) != customer_id:
            raise not_found()
        if None in (body.payment_method_id, body.amount_minor):
            raise Problem(422, "invalid_request", "A customer names the card and the amount")
        if stored := await stored_answers.stored_answer(request):
            return stored
        if body.portal_origin not in (None, portal_origin):
            raise Problem(422, "portal_origin_refused", "The card page is shown in the portal only")
        if seconds := await setups.opening_blocked_for(caller.merchant_id, customer_id):
            raise slow_down("too_many_openings", "The card page was opened too often", seconds)
        order = PayNowRequest(customer_id, invoice_id, body.payment_method_id, body.shown())
        looks = Looks(caller.session, body.locale, body.colour)
        beginning = authentication.begin(request.context, order, looks, request.key, begun)
        return await response_to_payment(stored_answers, request, beginning)

    return api
