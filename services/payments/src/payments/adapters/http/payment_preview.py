"""Pay an open invoice now with a card on file, for its customer or the merchant's back end."""

from collections.abc import Awaitable
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from chassis.eventsourcing.event_store import AlreadyAnswered, Answer
from chassis.http.authentication import MerchantOrCustomer, Principal, only
from chassis.http.commands import CommandParam, CommandRequest, problem_answer, response
from chassis.http.description import answers
from chassis.http.problems import Problem, not_found, problem_of_refusal
from payments.adapters.http import documents
from payments.adapters.http.bodies import NewCharge, listed_json, money_json
from payments.adapters.http.parameters import InvoiceId
from payments.adapters.http.refusals import REFUSALS
from payments.adapters.http.stored_answers import StoredAnswers, slow_down
from payments.application.card_change import method_json
from payments.application.dues import Dues
from payments.application.pay_now import AmountChanged, ImmediatePayment, PayNowRequest, StartedCharge, TooManyPayments
from payments.application.ports import Collections
from payments.domain.dues import DueList, totals
from payments.domain.payment.refusals import Refusal
from payments.domain.wallet.refusals import NoSuchPaymentMethod

NOT_BEGUN: Final = (
    (409, "amount_changed"),
    (409, "charge_running"),
    (409, "nothing_owed"),
    (409, "payment_method_gone"),
    (429, "too_many_payments"),
)


def routes(paying: ImmediatePayment, dues: Dues, collections: Collections, stored_answers: StoredAnswers) -> APIRouter:
    api = APIRouter(prefix="/v1/charges")

    async def customer_of(caller: Principal, invoice_id: UUID) -> UUID:
        """Raises Problem 404 for an invoice that is unknown, or another customer's."""
        customer_id = await collections.customer_of(caller.merchant_id, invoice_id)
        caller.must_own(customer_id)
        assert customer_id, "an invoice belongs to a customer"
        return customer_id

    @api.get("/preview")
    @answers(documents.PaymentPreview)
    async def preview(invoice_id: InvoiceId, caller: MerchantOrCustomer) -> dict[str, Any]:
        """Preview what paying an invoice now charges."""
        customer_id = await customer_of(caller, invoice_id)
        listed = (await dues.of(caller.merchant_id, customer_id)).of(invoice_id)
        running = await collections.running(caller.merchant_id, customer_id, invoice_id)
        return {"invoice_id": str(invoice_id), "running": running} | listed_json(listed)

    @api.post("", status_code=201, dependencies=[Depends(only("merchant", "customer"))])
    @answers(documents.StartedPayment, *NOT_BEGUN)
    async def pay(body: NewCharge, request: CommandParam) -> Response:
        """Pay an open invoice now with a card on file.

        One charge begins, five a day for each invoice at most. The schedule of retries stays as it is.
        """
        caller = request.principal
        customer_id = await customer_of(caller, body.invoice_id)
        if caller.kind == "customer" and None in (body.payment_method_id, body.amount_minor):
            raise Problem(422, "invalid_request", "A customer names the card and the amount")
        if stored := await stored_answers.stored_answer(request):
            return stored
        order = PayNowRequest(customer_id, body.invoice_id, body.payment_method_id, body.shown())
        return await response_to_payment(stored_answers, request, paying.confirm(request.context, order, request.key, begun))

    return api


async def response_to_payment(stored_answers: StoredAnswers, request: CommandRequest, paying: Awaitable[Answer]) -> Response:
    """The answer of a payment on request, or the refusal."""
    try:
        return response(await paying)
    except AlreadyAnswered:
        return await stored_answers.stored_answer(request) or response(problem_answer(not_found()))
    except TooManyPayments as blocked:
        raise slow_down("too_many_payments", "This invoice was paid too often today", blocked.seconds) from None
    except AmountChanged as changed:
        return await stored_answers.keep(request, problem_answer(amount_changed(changed.listed)))
    except NoSuchPaymentMethod:
        gone = Problem(409, "payment_method_gone", "This card is not on file, or not any more")
        return await stored_answers.keep(request, problem_answer(gone))
    except Refusal as refusal:
        return await stored_answers.keep(request, problem_answer(problem_of_refusal(REFUSALS, refusal)))


def begun(outcome: StartedCharge) -> Answer:
    charge, method = outcome.charge, outcome.charge.method
    assert method is not None, "a payment with a card on file has a card"
    body: dict[str, Any] = {
        "id": str(charge.id),
        "invoice_id": str(outcome.payment.id),
        "attempt": charge.number,
        "status": "open",
        "payment_method": method_json(method),
        "confirmation_id": str(outcome.confirmation.id),
        "aggregate": outcome.payment.name,
        "version": outcome.version,
    }
    return Answer(201, body | listed_json(outcome.listed))


def amount_changed(listed: DueList) -> Problem:
    amount = money_json(totals(listed.due)[0])
    more = {"amount": amount} | listed_json(listed)
    return Problem(409, "amount_changed", "Something else would be charged than was shown", more=more)
