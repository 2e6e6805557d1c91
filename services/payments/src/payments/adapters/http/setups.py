"""Open the card page, and store the card that was typed there: as the default, or beside the others."""

from collections.abc import Awaitable
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from chassis.eventsourcing.event_store import AlreadyAnswered, Answer
from chassis.http.authentication import only
from chassis.http.commands import CommandParam, CommandRequest, problem_answer, response
from chassis.http.description import answers
from chassis.http.problems import Problem, not_found, problem_of_refusal
from payments.adapters.http import documents
from payments.adapters.http.bodies import NewDefault, OpenSetUp, TypedCard, listed_json
from payments.adapters.http.parameters import CustomerId, SetUpId
from payments.adapters.http.refusals import REFUSALS
from payments.adapters.http.stored_answers import StoredAnswers, slow_down
from payments.application.card_addition import CardAddition, CardAdditionRequest
from payments.application.card_change import CardChange, CardChangeRequest, DueChanged, SetUpOver, TooManyDeclines
from payments.application.charges import NoAnswer, SetupRefused, UnknownToken
from payments.application.dues import Dues
from payments.application.ports import Customers, Rows, SetUps
from payments.application.provider_ports import CurrentProvider
from payments.application.query_ports import PaymentReader
from payments.domain.dues import DueList
from payments.domain.shapes import FailureCode
from payments.domain.wallet.refusals import TooManyMethods
from payments.domain.wallet.wallet import METHODS_MAX

TITLES = {
    FailureCode.CARD_DECLINED: "The card was declined",
    FailureCode.INSUFFICIENT_FUNDS: "The card has insufficient funds",
    FailureCode.EXPIRED_CARD: "The card has expired",
    FailureCode.INCORRECT_CVC: "The card's CVV is wrong",
}


def routes(
    change: CardChange,
    setups: SetUps,
    customers: Customers,
    dues: Dues,
    stored_answers: StoredAnswers,
    rows: Rows,
    addition: CardAddition,
    reader: PaymentReader,
    provider_of: CurrentProvider,
    *,
    cards_url: str,
    portal_origin: str,
) -> APIRouter:
    api = APIRouter(prefix="/v1/customers/{customer_id}")

    @api.post("/setups", status_code=201, dependencies=[Depends(only("merchant", "customer"))])
    @answers(
        documents.SetUp,
        (409, "no_payment_provider"),
        (409, "too_many_payment_methods"),
        (422, "portal_origin_refused"),
        (429, "too_many_openings"),
    )
    async def open_setup(customer_id: CustomerId, body: OpenSetUp, request: CommandParam) -> Response:
        """Open a page on which a customer can type a card.

        The answer lists what is charged when the card is confirmed: nothing for a card that is added beside the others.
        """
        caller = request.principal
        caller.must_own(customer_id)
        if stored := await stored_answers.stored_answer(request):
            return stored
        if body.portal_origin not in (None, portal_origin):
            raise Problem(422, "portal_origin_refused", "The card page is shown in the portal only")
        if caller.kind == "merchant" and not await customers.known(caller.merchant_id, customer_id):
            raise not_found()
        await provider_of(caller.merchant_id)
        if seconds := await setups.opening_blocked_for(caller.merchant_id, customer_id):
            raise slow_down("too_many_openings", "The card page was opened too often", seconds)
        listed = await dues.of(caller.merchant_id, customer_id)
        if body.purpose == "add":
            if len(await reader.methods(caller.merchant_id, customer_id)) >= METHODS_MAX:
                raise problem_of_refusal(REFUSALS, TooManyMethods())
            listed = DueList(listed.at, ())
        looks = caller.session, body.locale, body.colour
        setup = await setups.begin(caller.merchant_id, customer_id, *looks, listed.due, body.purpose)
        frame = {"setup_id": str(setup.id), "frame_url": f"{cards_url.rstrip('/')}/cards/{setup.id}"}
        return await stored_answers.keep(request, Answer(201, frame | listed_json(listed)))

    @api.put("/default-payment-method", dependencies=[Depends(only("merchant", "customer"))])
    @answers(
        documents.ChangedDefault,
        *((402, code.value) for code in TITLES),
        (409, "due_changed"),
        (422, "invalid_token"),
        (429, "too_many_declines"),
    )
    async def use_card(customer_id: CustomerId, body: NewDefault, request: CommandParam) -> Response:
        """Make a card that was typed the default, and charge what was listed.

        When the call is refused, the former card stays.
        """
        caller = request.principal
        caller.must_own(customer_id)
        if stored := await stored_answers.stored_answer(request):
            return stored
        totals = tuple(each.shape() for each in body.totals) if body.totals is not None else None
        confirmed = CardChangeRequest(customer_id, body.setup_id, caller.session, body.token, body.charge_invoices, totals)
        confirming = change.confirm(request.context, confirmed, request.key)
        return await answered(request, customer_id, body.setup_id, confirming)

    @api.post("/setups/{setup_id}/payment-method", status_code=201, dependencies=[Depends(only("merchant", "customer"))])
    @answers(
        documents.AddedMethod,
        *((402, code.value) for code in TITLES),
        (409, "too_many_payment_methods"),
        (422, "invalid_token"),
        (429, "too_many_declines"),
    )
    async def add_card(customer_id: CustomerId, setup_id: SetUpId, body: TypedCard, request: CommandParam) -> Response:
        """Store a card that was typed on a page with the purpose `add`, beside the customer's others.

        Nothing is charged. Only a customer's first card becomes the default. Another entry of the same card is removed, and the
        new one has its role.
        """
        caller = request.principal
        caller.must_own(customer_id)
        if stored := await stored_answers.stored_answer(request):
            return stored
        confirmed = CardAdditionRequest(customer_id, setup_id, caller.session, body.token)
        return await answered(request, customer_id, setup_id, addition.confirm(request.context, confirmed, request.key))

    async def answered(request: CommandRequest, customer_id: UUID, setup_id: UUID, confirming: Awaitable[Answer]) -> Response:
        """The answer to a card that was typed. Refusals are stored with the key, unless a repetition may be accepted."""
        caller = request.principal
        try:
            return response(await confirming)
        except AlreadyAnswered:
            return await stored_answers.stored_answer(request) or response(problem_answer(not_found()))
        except TooManyDeclines as blocked:
            raise slow_down("too_many_declines", "Too many cards were declined", blocked.seconds) from None
        except NoAnswer:
            raise Problem(503, "service_unavailable", "The payment provider does not answer; nothing was changed") from None
        except SetupRefused as refused:
            row = rows.card_declined(caller.merchant_id, customer_id, refused.code.value)
            title = TITLES.get(refused.code, "The card could not be saved")
            return await stored_answers.keep(request, problem_answer(Problem(402, refused.code.value, title)), row)
        except UnknownToken:
            return await stored_answers.keep(request, problem_answer(Problem(422, "invalid_token", "This token cannot be used")))
        except SetUpOver:
            return await stored_answers.keep(request, problem_answer(not_found()))
        except TooManyMethods as refusal:
            return await stored_answers.keep(request, problem_answer(problem_of_refusal(REFUSALS, refusal)))
        except DueChanged as changed:
            await setups.show(caller.merchant_id, setup_id, changed.listed.due)
            problem = Problem(409, "due_changed", "What is due has changed", more=listed_json(changed.listed))
            return await stored_answers.keep(request, problem_answer(problem))

    return api
