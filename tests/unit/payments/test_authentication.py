"""A customer's bank wants the customer to confirm a payment: what the payment's stream records, and what the collector does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from unit.payments.collector_bench import BLUE, Bench

from payments.application.aggregates import PAYMENT
from payments.application.charges import NeedsCustomer, Refused, Taken
from payments.application.collector import AUTHENTICATION_MINUTES, AUTHENTICATION_PAUSE_SECONDS
from payments.application.queue_ports import Attempt
from payments.domain.confirmation import Consent
from payments.domain.payment.commands import (
    Command,
    PayNow,
    RecordAuthenticationNeeded,
    RecordFailure,
    RecordNoAnswer,
    RecordSuccess,
)
from payments.domain.payment.events import (
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    AuthenticationNeeded,
    Event,
    OutcomeUnknown,
)
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import ChargeRunning
from payments.domain.shapes import FailureCode, Remedy
from support.payments.examples import ANA, BILL, INVOICE, MERCHANT, PAYMENTS, STARTED, VISA, card, charge, day
from support.spec import Scenario

ASKS = card("3184")
CONSENT = Consent(uuid4(), day(15))
FIRST = charge(1)
SECOND = replace(charge(2, ASKS), consent=CONSENT, manual=True, on_session=True)
UNTIL = day(16) + timedelta(minutes=15)
CODE = FailureCode.AUTHENTICATION_REQUIRED
UNCONFIRMED = AttemptFailed(BILL, FIRST, CODE, False, "ch_1", day(14), remedy=Remedy.AUTHENTICATE)
ASKED_FOR = AuthenticationNeeded(FIRST, None, day(14))
PRESENT = AttemptStarted(BILL, SECOND, day(15))
WAITS = AuthenticationNeeded(SECOND, UNTIL, day(16))
BEFORE = (STARTED, UNCONFIRMED, ASKED_FOR, PRESENT)
WAIT = RecordAuthenticationNeeded(SECOND.id, UNTIL, day(16))


def given(*past: Event) -> Scenario[Command, Event, Payment]:
    return Scenario(PAYMENTS, past)


def test_a_charge_without_the_customer_fails_and_their_confirmation_is_requested() -> None:
    failure = RecordFailure(FIRST.id, CODE, day(14), "ch_1")
    given(STARTED).when(failure).then(UNCONFIRMED, ASKED_FOR)
    given(STARTED, UNCONFIRMED, ASKED_FOR).when(failure).then()


def test_no_confirmation_is_requested_where_another_charge_follows_or_the_invoice_is_void() -> None:
    failure = RecordFailure(FIRST.id, CODE, day(14), "ch_1")
    following = AttemptStarted(BILL, charge(2, ASKS), day(14))
    given(STARTED).when(replace(failure, agreed=ASKS)).then(replace(UNCONFIRMED, followed=True), following)
    given(STARTED).when(replace(failure, final=True)).then(replace(UNCONFIRMED, remedy=None))


def test_a_customer_who_is_present_starts_a_charge_that_may_wait() -> None:
    pay = PayNow(ASKS, CONSENT, day(15), on_session=True)
    given(STARTED, UNCONFIRMED, ASKED_FOR).when(pay).then(PRESENT)
    given(*BEFORE).when(pay).refused(ChargeRunning)
    given(*BEFORE, WAITS).when(replace(pay, on_session=False)).refused(ChargeRunning)


def test_an_open_charge_waits_for_the_customer_once() -> None:
    given(*BEFORE).when(WAIT).then(WAITS)
    given(*BEFORE, WAITS).when(replace(WAIT, until=UNTIL + timedelta(minutes=1))).then()


def test_a_charge_without_the_customer_does_not_wait() -> None:
    given(STARTED).when(replace(WAIT, charge_id=FIRST.id)).then()


def test_a_waiting_charge_ends_with_the_providers_outcome() -> None:
    failed = AttemptFailed(BILL, SECOND, FailureCode.AUTHENTICATION_ABANDONED, False, None, day(16), remedy=Remedy.AUTHENTICATE)
    given(*BEFORE, WAITS).when(RecordSuccess(SECOND.id, "ch_2", day(16))).then(AttemptSucceeded(SECOND, "ch_2", day(16)))
    given(*BEFORE, WAITS).when(RecordFailure(SECOND.id, FailureCode.AUTHENTICATION_ABANDONED, day(16))).then(failed)
    given(*BEFORE, WAITS, failed).when(WAIT).then()
    given(*BEFORE, WAITS, AttemptSucceeded(SECOND, "ch_2", day(16))).when(WAIT).then()


def test_a_waiting_charge_is_not_unknown_and_an_unknown_one_can_turn_out_to_wait() -> None:
    no_answer, unknown = RecordNoAnswer(SECOND.id, day(17), day(16)), OutcomeUnknown(SECOND, day(17), day(16))
    given(*BEFORE, WAITS).when(no_answer).then()
    given(*BEFORE, unknown).when(WAIT).then(WAITS)
    given(*BEFORE, unknown, WAITS).when(no_answer).then()


class Present:
    """A customer who pays an open invoice with a card that their bank wants confirmed."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.bench.provider.methods[ASKS.id] = (MERCHANT, ANA, ASKS)

    async def begin(self) -> Attempt:
        """The renewal's charge fails, and the customer starts another one."""
        await self.settle(await self.bench.started(ASKS))
        await self.bench.payments.handle(BLUE, INVOICE, PayNow(ASKS, CONSENT, day(15), on_session=True))
        attempt = self.bench.attempt(2, ASKS)
        return replace(attempt, order=replace(attempt.order, on_session=True))

    async def waiting(self) -> Attempt:
        attempt = await self.begin()
        await self.settle(attempt)
        assert (await self.bench.state()).authenticate_until
        return replace(attempt, calls=2)

    async def settle(self, attempt: Attempt) -> None:
        await self.bench.collector.settle(attempt)

    async def last(self) -> Event:
        stored = (await self.bench.store.read(PAYMENT.stream(MERCHANT, INVOICE)))[-1]
        event: Event = PAYMENT.codec.decode(stored.name, stored.schema, stored.body)
        return event

    async def failure(self) -> FailureCode:
        event = await self.last()
        assert isinstance(event, AttemptFailed)
        return event.code


@pytest.fixture
def present() -> Present:
    return Present()


async def test_the_collector_records_the_wait_once_and_asks_at_a_calm_pace(present: Present) -> None:
    before = datetime.now(UTC)
    attempt = await present.waiting()
    for calls in (2, 3):
        await present.settle(replace(attempt, calls=calls))
    assert present.bench.claimed.pauses == [AUTHENTICATION_PAUSE_SECONDS] * 3
    event = await present.last()
    assert isinstance(event, AuthenticationNeeded)
    assert event.until
    assert timedelta() <= event.until - before - timedelta(minutes=AUTHENTICATION_MINUTES) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("outcome", "name"),
    [(Taken("ch_2"), "AttemptSucceeded"), (Refused(FailureCode.AUTHENTICATION_FAILED), "AttemptFailed")],
)
async def test_the_customers_answer_is_the_outcome(present: Present, outcome: Taken | Refused, name: str) -> None:
    attempt = await present.waiting()
    present.bench.provider.customer_answers(attempt.order.charge_id, outcome)
    await present.settle(attempt)
    assert (await present.bench.event_names())[-1] == name


@pytest.mark.parametrize("mode", ["hang", "break", "busy"])
async def test_a_provider_that_does_not_answer_leaves_a_waiting_charge_waiting(present: Present, mode: str) -> None:
    attempt = await present.waiting()
    present.bench.provider.mode = mode  # type: ignore[assignment]
    await present.settle(attempt)
    await present.settle(replace(attempt, left=True))
    assert isinstance(await present.last(), AuthenticationNeeded)
    present.bench.provider.mode = "normal"
    await present.settle(replace(attempt, left=True))
    assert await present.failure() is FailureCode.AUTHENTICATION_ABANDONED


async def test_a_wait_whose_answer_was_lost_is_found_when_asked_again(present: Present) -> None:
    attempt = await present.begin()
    present.bench.provider.mode = "lose"
    await present.settle(attempt)
    present.bench.provider.mode = "normal"
    await present.settle(replace(attempt, calls=2))
    assert (await present.bench.event_names())[-2:] == ["OutcomeUnknown", "AuthenticationNeeded"]


async def test_a_charge_that_the_customer_left_is_cancelled_and_takes_nothing_later(present: Present) -> None:
    attempt = await present.waiting()
    await present.settle(replace(attempt, left=True))
    assert await present.failure() is FailureCode.AUTHENTICATION_ABANDONED
    present.bench.provider.customer_answers(attempt.order.charge_id, Taken("late"))
    assert isinstance(await present.bench.provider.status(attempt.order), Refused)


@pytest.mark.parametrize("outcome", [Taken("ch_2"), Refused(FailureCode.INSUFFICIENT_FUNDS)])
async def test_an_answer_in_the_last_moment_counts(present: Present, outcome: Taken | Refused) -> None:
    attempt = await present.waiting()
    present.bench.provider.customer_answers(attempt.order.charge_id, outcome)
    await present.settle(replace(attempt, left=True))
    if isinstance(outcome, Taken):
        assert isinstance(await present.last(), AttemptSucceeded)
    else:
        assert await present.failure() is outcome.code


async def test_a_card_that_is_confirmed_meanwhile_is_charged_at_once(present: Present) -> None:
    attempt = await present.waiting()
    present.bench.claimed.agreed_method, present.bench.claimed.consent = VISA, CONSENT
    await present.settle(replace(attempt, left=True))
    assert (await present.bench.event_names())[-2:] == ["AttemptFailed", "AttemptStarted"]
    started = (await present.bench.state()).open
    assert started
    assert (started.method, started.on_session) == (VISA, False)


async def test_the_charge_of_a_voided_invoice_does_not_wait(present: Present) -> None:
    await present.settle(replace(await present.waiting(), voided=True))
    assert (await present.bench.event_names())[-1] == "AttemptFailed"


async def test_a_provider_that_waits_for_an_absent_customer_leaves_the_outcome_unknown(present: Present) -> None:
    attempt = await present.bench.started(VISA)
    present.bench.provider.charges[attempt.order.charge_id] = NeedsCustomer()
    await present.settle(replace(attempt, calls=2))
    assert (await present.bench.event_names())[-1] == "OutcomeUnknown"
