"""Opening the card page, and making what was typed there the customer's card."""

from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from chassis.command_handler import ATTEMPTS
from chassis.decider import VersionConflict
from chassis.http.asked import Ask, key_reused, problem_answer, response
from chassis.http.description import answers
from chassis.http.principal import only
from chassis.http.problems import Problem, not_found
from chassis.store import AlreadyAnswered, Answer, EventStore, KeyReused, Statement, WriteSet
from payments.adapters.http import documents
from payments.adapters.http.bodies import NewDefault, OpenSetUp, due_json
from payments.application.card_entry import Customers, SetUps
from payments.application.change_of_card import ChangeOfCard, Confirmation, DueChanged, SetUpOver, TooManyDeclines
from payments.application.providers import NoAnswer, SetupRefused, UnknownToken
from payments.application.work import Clock
from payments.domain.shapes import FailureCode

TITLES = {
    FailureCode.CARD_DECLINED: "The card was declined",
    FailureCode.INSUFFICIENT_FUNDS: "The card has insufficient funds",
    FailureCode.EXPIRED_CARD: "The card has expired",
    FailureCode.INCORRECT_CVC: "The card's CVV is wrong",
}


def routes(
    change: ChangeOfCard,
    setups: SetUps,
    customers: Customers,
    clock: Clock,
    store: EventStore,
    *,
    cards_url: str,
    portal_origin: str,
) -> APIRouter:
    api = APIRouter(prefix="/v1/customers/{customer_id}")

    @api.post("/setups", status_code=201, dependencies=[Depends(only("merchant", "customer"))])
    @answers(documents.SetUp, (422, "portal_origin_refused"), (429, "too_many_openings"))
    async def open_setup(customer_id: UUID, body: OpenSetUp, asked: Ask) -> Response:
        """A page on which this customer can type a card, and what confirming it there will pay."""
        caller = asked.principal
        caller.must_own(customer_id)
        if kept := await told_before(asked):
            return kept
        if body.portal_origin not in (None, portal_origin):
            raise Problem(422, "portal_origin_refused", "The card page is shown in the portal only")
        if caller.kind == "merchant" and not await customers.known(caller.merchant_id, customer_id):
            raise not_found()
        if seconds := await setups.opening_blocked_for(caller.merchant_id, customer_id):
            raise slow_down("too_many_openings", "The card page was opened too often", seconds)
        setup = await setups.begin(caller.merchant_id, customer_id, caller.session, body.locale, body.colour)
        frame = {"setup_id": str(setup.id), "frame_url": f"{cards_url.rstrip('/')}/cards/{setup.id}"}
        return await remembered(asked, Answer(201, frame | due_json(setup.due)))

    @api.put("/default-payment-method", dependencies=[Depends(only("merchant", "customer"))])
    @answers(
        documents.ChangedDefault,
        *((402, code.value) for code in TITLES),
        (409, "due_changed"),
        (422, "invalid_token"),
        (429, "too_many_declines"),
    )
    async def use_card(customer_id: UUID, body: NewDefault, asked: Ask) -> Response:
        """The card becomes the default, and each invoice listed is charged. Whatever goes wrong, the old card stays."""
        caller = asked.principal
        caller.must_own(customer_id)
        if kept := await told_before(asked):
            return kept
        try:
            at = await clock.now(caller.merchant_id)
            confirmed = Confirmation(customer_id, body.setup_id, caller.session, body.token, body.charge_invoices, at)
            return response(await change.confirm(asked.context, confirmed, asked.key))
        except AlreadyAnswered:
            return await told_before(asked) or response(problem_answer(not_found()))
        except TooManyDeclines as blocked:
            raise slow_down("too_many_declines", "Too many cards were declined", blocked.seconds) from None
        except NoAnswer:
            raise Problem(503, "service_unavailable", "The payment provider does not answer; nothing was changed") from None
        except DueChanged as changed:
            await setups.show(caller.merchant_id, body.setup_id, changed.due)
            problem = Problem(409, "due_changed", "What is due has changed", more=due_json(changed.due))
            return await remembered(asked, problem_answer(problem))
        except SetupRefused as refused:
            declined = "INSERT INTO card_refusal (merchant_id, customer_id, code) VALUES ($1, $2, $3)"
            row = Statement(declined, (caller.merchant_id, customer_id, refused.code.value))
            title = TITLES.get(refused.code, "The card could not be saved")
            return await remembered(asked, problem_answer(Problem(402, refused.code.value, title)), row)
        except UnknownToken:
            return await remembered(asked, problem_answer(Problem(422, "invalid_token", "This token cannot be used")))
        except SetUpOver:
            return await remembered(asked, problem_answer(not_found()))

    async def told_before(asked: Ask) -> Response | None:
        """The answer to the same request under the same key."""
        try:
            kept = await store.answer_to(asked.key) if asked.key else None
        except KeyReused:
            raise key_reused() from None
        return response(kept) if kept else None

    async def remembered(asked: Ask, answer: Answer, *rows: Statement) -> Response:
        """The answer, unless somebody who came with the same key was told something before."""
        write_set = WriteSet(answer=(asked.key, answer) if asked.key else None, statements=rows)
        if write_set.empty:
            return response(answer)
        for _ in range(ATTEMPTS):
            try:
                await store.write(write_set)
            except (AlreadyAnswered, VersionConflict):
                # Somebody with the same key came first, or comes at this very moment.
                if kept := await told_before(asked):
                    return kept
            else:
                return response(answer)
        raise VersionConflict

    return api


def slow_down(code: str, title: str, seconds: int) -> Problem:
    return Problem(429, code, title, headers={"retry-after": str(seconds)}, more={"retry_after": seconds})
