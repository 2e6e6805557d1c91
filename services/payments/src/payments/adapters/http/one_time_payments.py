"""Pay one open invoice with a card that is not stored, for the payer to whom the portal shows the invoice."""

from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from chassis.eventsourcing.event_store import AlreadyAnswered, Answer
from chassis.http.authentication import Principal, only
from chassis.http.commands import CommandParam, problem_answer, response
from chassis.http.description import answers
from chassis.http.problems import Problem, not_found, problem_of_refusal
from payments.adapters.http import documents
from payments.adapters.http.bodies import OneTimeCharge, OpenPage, OpenPaymentSetUp, due_json
from payments.adapters.http.parameters import ChargeId
from payments.adapters.http.payment_preview import amount_changed, begun
from payments.adapters.http.refusals import REFUSALS
from payments.adapters.http.setups import TITLES
from payments.adapters.http.stored_answers import StoredAnswers, slow_down
from payments.application.authentication import Looks
from payments.application.card_change import SetUpOver, TooManyDeclines
from payments.application.charges import NoAnswer, SetupRefused, UnknownToken
from payments.application.one_time_payment import OneTimePayment, OneTimeRequest, Opening
from payments.application.pay_now import AmountChanged, TooManyPayments
from payments.application.ports import Collections, Rows, SetUps
from payments.domain.payment.refusals import Refusal
from payments.domain.shapes import Money


def routes(
    paying: OneTimePayment,
    setups: SetUps,
    collections: Collections,
    stored_answers: StoredAnswers,
    rows: Rows,
    *,
    cards_url: str,
    portal_origin: str,
) -> APIRouter:
    api = APIRouter(prefix="/v1/one-time-payments")

    async def customer_of(caller: Principal, invoice_id: UUID) -> UUID:
        """Raises Problem 404 for an invoice that is unknown, or another customer's."""
        customer_id = await collections.customer_of(caller.merchant_id, invoice_id)
        caller.must_own(customer_id)
        assert customer_id, "an invoice belongs to a customer"
        return customer_id

    @api.post("/setups", status_code=201, dependencies=[Depends(only("customer"))])
    @answers(documents.SetUp, (409, "nothing_owed"), (422, "portal_origin_refused"), (429, "too_many_openings"))
    async def open_setup(body: OpenPaymentSetUp, request: CommandParam) -> Response:
        """Open a page on which a payer can type a card for one invoice.

        The card is charged once and not stored.
        """
        caller = request.principal
        customer_id = await customer_of(caller, body.invoice_id)
        if stored := await stored_answers.stored_answer(request):
            return stored
        if body.portal_origin not in (None, portal_origin):
            raise Problem(422, "portal_origin_refused", "The card page is shown in the portal only")
        if seconds := await setups.opening_blocked_for(caller.merchant_id, customer_id):
            raise slow_down("too_many_openings", "The card page was opened too often", seconds)
        opening = Opening(customer_id, body.invoice_id, caller.session, body.locale, body.colour)
        setup = await paying.open(caller.merchant_id, opening)
        frame = {"setup_id": str(setup.id), "frame_url": f"{cards_url.rstrip('/')}/cards/{setup.id}"}
        return await stored_answers.keep(request, Answer(201, frame | due_json(setup.due)))

    @api.post("", status_code=201, dependencies=[Depends(only("customer"))])
    @answers(
        documents.StartedPayment,
        *((402, code.value) for code in TITLES),
        (409, "amount_changed"),
        (409, "charge_running"),
        (409, "nothing_owed"),
        (422, "invalid_token"),
        (429, "too_many_declines"),
        (429, "too_many_payments"),
    )
    async def pay(body: OneTimeCharge, request: CommandParam) -> Response:
        """Pay an open invoice with a card that was typed and is not stored.

        One charge begins, five a day for each invoice at most. It waits for 15 minutes if the payer's bank wants it confirmed.
        Periods that begin once it is paid are not charged.
        """
        caller = request.principal
        customer_id = await customer_of(caller, body.invoice_id)
        if stored := await stored_answers.stored_answer(request):
            return stored
        total = Money(body.amount_minor, body.currency)
        confirmed = OneTimeRequest(customer_id, body.invoice_id, body.setup_id, caller.session, body.token, total)
        try:
            return response(await paying.confirm(request.context, confirmed, request.key, begun))
        except AlreadyAnswered:
            return await stored_answers.stored_answer(request) or response(problem_answer(not_found()))
        except TooManyDeclines as blocked:
            raise slow_down("too_many_declines", "Too many cards were declined", blocked.seconds) from None
        except TooManyPayments as blocked:
            raise slow_down("too_many_payments", "This invoice was paid too often today", blocked.seconds) from None
        except NoAnswer:
            raise Problem(503, "service_unavailable", "The payment provider does not answer; nothing was changed") from None
        except SetupRefused as refused:
            row = rows.card_declined(caller.merchant_id, customer_id, refused.code.value, body.invoice_id)
            title = TITLES.get(refused.code, "The card was not accepted")
            return await stored_answers.keep(request, problem_answer(Problem(402, refused.code.value, title)), row)
        except AmountChanged as changed:
            return await stored_answers.keep(request, problem_answer(amount_changed(changed.listed)))
        except UnknownToken:
            return await stored_answers.keep(request, problem_answer(Problem(422, "invalid_token", "This token cannot be used")))
        except SetUpOver:
            return await stored_answers.keep(request, problem_answer(not_found()))
        except Refusal as refusal:
            return await stored_answers.keep(request, problem_answer(problem_of_refusal(REFUSALS, refusal)))

    @api.post("/{charge_id}/authentication", status_code=201, dependencies=[Depends(only("customer"))])
    @answers(documents.ConfirmationPage, (422, "portal_origin_refused"), (429, "too_many_openings"))
    async def authenticate(charge_id: ChargeId, body: OpenPage, request: CommandParam) -> Response:
        """Open the page on which the payer confirms a charge at their bank.

        Only the session that has begun the charge can open it, as often as needed. 404 for any other charge.
        """
        caller = request.principal
        customer_id = caller.customer_id
        assert customer_id, "a customer's request names the customer"
        if stored := await stored_answers.stored_answer(request):
            return stored
        if body.portal_origin not in (None, portal_origin):
            raise Problem(422, "portal_origin_refused", "The card page is shown in the portal only")
        if seconds := await setups.opening_blocked_for(caller.merchant_id, customer_id):
            raise slow_down("too_many_openings", "The card page was opened too often", seconds)
        looks = Looks(caller.session, body.locale, body.colour)
        try:
            setup = await paying.authenticate(caller.merchant_id, customer_id, charge_id, looks)
        except SetUpOver:
            raise not_found() from None
        url = f"{cards_url.rstrip('/')}/cards/{setup.id}/confirm/{charge_id}"
        page = Answer(201, {"setup_id": str(setup.id), "frame_url": url})
        return await stored_answers.keep(request, page, rows.authentication_opened(setup, charge_id))

    return api
