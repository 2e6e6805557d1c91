"""Open the card page, and make the card that was typed there the default."""

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from chassis.eventsourcing.event_store import AlreadyAnswered, Answer
from chassis.http.authentication import only
from chassis.http.commands import CommandParam, problem_answer, response
from chassis.http.description import answers
from chassis.http.problems import Problem, not_found
from payments.adapters.http import documents
from payments.adapters.http.bodies import NewDefault, OpenSetUp, listed_json
from payments.adapters.http.parameters import CustomerId
from payments.adapters.http.stored_answers import StoredAnswers, slow_down
from payments.application.card_change import CardChange, CardChangeRequest, DueChanged, SetUpOver, TooManyDeclines
from payments.application.charges import NoAnswer, SetupRefused, UnknownToken
from payments.application.dues import Dues
from payments.application.ports import Customers, Rows, SetUps
from payments.domain.shapes import FailureCode

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
    *,
    cards_url: str,
    portal_origin: str,
) -> APIRouter:
    api = APIRouter(prefix="/v1/customers/{customer_id}")

    @api.post("/setups", status_code=201, dependencies=[Depends(only("merchant", "customer"))])
    @answers(documents.SetUp, (422, "portal_origin_refused"), (429, "too_many_openings"))
    async def open_setup(customer_id: CustomerId, body: OpenSetUp, request: CommandParam) -> Response:
        """Open a page on which a customer can type a card.

        The answer lists what is charged when the card is confirmed.
        """
        caller = request.principal
        caller.must_own(customer_id)
        if stored := await stored_answers.stored_answer(request):
            return stored
        if body.portal_origin not in (None, portal_origin):
            raise Problem(422, "portal_origin_refused", "The card page is shown in the portal only")
        if caller.kind == "merchant" and not await customers.known(caller.merchant_id, customer_id):
            raise not_found()
        if seconds := await setups.opening_blocked_for(caller.merchant_id, customer_id):
            raise slow_down("too_many_openings", "The card page was opened too often", seconds)
        listed = await dues.of(caller.merchant_id, customer_id)
        looks = caller.session, body.locale, body.colour
        setup = await setups.begin(caller.merchant_id, customer_id, *looks, listed.due)
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
        try:
            totals = tuple(each.shape() for each in body.totals) if body.totals is not None else None
            confirmed = CardChangeRequest(customer_id, body.setup_id, caller.session, body.token, body.charge_invoices, totals)
            return response(await change.confirm(request.context, confirmed, request.key))
        except AlreadyAnswered:
            return await stored_answers.stored_answer(request) or response(problem_answer(not_found()))
        except TooManyDeclines as blocked:
            raise slow_down("too_many_declines", "Too many cards were declined", blocked.seconds) from None
        except NoAnswer:
            raise Problem(503, "service_unavailable", "The payment provider does not answer; nothing was changed") from None
        except DueChanged as changed:
            await setups.show(caller.merchant_id, body.setup_id, changed.listed.due)
            problem = Problem(409, "due_changed", "What is due has changed", more=listed_json(changed.listed))
            return await stored_answers.keep(request, problem_answer(problem))
        except SetupRefused as refused:
            row = rows.card_declined(caller.merchant_id, customer_id, refused.code.value)
            title = TITLES.get(refused.code, "The card could not be saved")
            return await stored_answers.keep(request, problem_answer(Problem(402, refused.code.value, title)), row)
        except UnknownToken:
            return await stored_answers.keep(request, problem_answer(Problem(422, "invalid_token", "This token cannot be used")))
        except SetUpOver:
            return await stored_answers.keep(request, problem_answer(not_found()))

    return api
