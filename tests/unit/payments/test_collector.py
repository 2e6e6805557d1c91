from collections.abc import Sequence
from dataclasses import replace

import pytest
from unit.payments.collector_bench import BLUE, Bench

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.memory_store import MemoryEventStore
from payments.application.aggregates import PAYMENT
from payments.application.charges import ChargeOrder, RefundMade, RefundOrder, RefundRefused, RefundUnderway, Taken
from payments.application.collector import PAUSE_SECONDS_MAX, Collector
from payments.application.ports import AgreedMethod, Agreement, Attempt, DueRefund
from payments.application.refunds import RefundWorker
from payments.domain.confirmation import Consent
from payments.domain.payment.payment import Payment
from payments.domain.shapes import Method
from support.payments.examples import ANA, COLLECT, INVOICE, MERCHANT, OTHER, PRICE, VISA, charge, day

BLUE = Context(MERCHANT, "timer", uuid4(), uuid4())


@dataclass
class Claimed:
    """What was claimed, in a test's own hands."""

    agreed_method: Method | None = None
    consent: Consent | None = None
    backup_method: Method | None = None
    pauses: list[float] = field(default_factory=list)
    forgotten: list[UUID] = field(default_factory=list)

    async def attempts(self, most: int, lease: float) -> list[Attempt]:
        return []

    async def unrequested_refunds(self, most: int, lease: float) -> list[Attempt]:
        return []

    async def refunds(self, most: int, lease: float) -> list[DueRefund]:
        return []

    async def agreements(self, most: int, lease: float) -> list[Agreement]:
        return []

    async def agreed(self, merchant_id: UUID, invoice_id: UUID) -> AgreedMethod | None:
        return AgreedMethod(self.agreed_method, self.consent) if self.agreed_method else None

    async def backup(self, merchant_id: UUID, customer_id: UUID) -> Method | None:
        return self.backup_method

    async def forget(self, agreement: Agreement) -> None:
        self.forgotten.append(agreement.invoice_id)

    async def postpone(self, attempt: Attempt, seconds: float) -> None:
        self.pauses.append(seconds)

    async def postpone_refund(self, refund: DueRefund, seconds: float) -> None:
        self.pauses.append(seconds)

    async def now(self, merchant_id: UUID) -> datetime:
        return day(15)

    async def zone(self, merchant_id: UUID) -> str:
        return "UTC"


class Bench:
    def __init__(self) -> None:
        self.store, self.provider, self.claimed = MemoryEventStore(), MemoryProvider(), Claimed()
        for method in (VISA, OTHER):
            self.provider.methods[method.id] = (MERCHANT, ANA, method)
        self.payments = CommandHandler(self.store, PAYMENT)
        self.collector = Collector(self.claimed, self.payments, self.provider, self.claimed, timeout_seconds=0.05)
        self.refunds = RefundWorker(self.claimed, self.payments, self.provider, self.claimed, timeout_seconds=0.05)

    async def started(self, method: Method = VISA) -> Attempt:
        await self.payments.handle(BLUE, INVOICE, replace(COLLECT, method=method))
        return self.attempt(1, method)

    def attempt(self, number: int, method: Method) -> Attempt:
        order = ChargeOrder(MERCHANT, ANA, charge(number).id, method.id, PRICE, day(14), "UTC")
        return Attempt(order, INVOICE, 1, False, BLUE.correlation_id, uuid4())

    def due_refund(self, attempt: Attempt) -> DueRefund:
        """The refund of a charge for a voided invoice."""
        order = RefundOrder(attempt.order, attempt.order.charge_id, attempt.order.amount)
        return DueRefund(order, attempt.invoice_id, 1, attempt.correlation_id, attempt.causation_id)

    async def event_names(self) -> list[str]:
        return [stored.name for stored in await self.store.read(PAYMENT.stream(MERCHANT, INVOICE))]

    async def state(self) -> Payment:
        _, state = await self.payments.state(MERCHANT, INVOICE)
        assert state is not None
        return state


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_charge_that_is_answered_ends(bench: Bench) -> None:
    await bench.collector.settle(await bench.started())
    assert await bench.event_names() == ["AttemptStarted", "AttemptSucceeded"]


async def test_the_provider_saying_no_is_a_failure(bench: Bench) -> None:
    await bench.collector.settle(await bench.started(OTHER))
    assert await bench.event_names() == ["AttemptStarted", "AttemptFailed"]


@pytest.mark.parametrize("mode", ["hang", "lose", "break"])
async def test_no_answer_is_not_a_failure(bench: Bench, mode: str) -> None:
    bench.provider.mode = mode  # type: ignore[assignment]
    await bench.collector.settle(await bench.started())
    assert await bench.event_names() == ["AttemptStarted", "OutcomeUnknown"]
    assert bench.claimed.pauses == [1]


@pytest.mark.parametrize("mode", ["hang", "lose"])
async def test_the_provider_is_queried_until_it_answers_and_charges_once(bench: Bench, mode: str) -> None:
    attempt = await bench.started()
    bench.provider.mode = mode  # type: ignore[assignment]
    await bench.collector.settle(attempt)
    bench.provider.mode = "normal"
    await bench.collector.settle(replace(attempt, calls=2))
    assert await bench.event_names() == ["AttemptStarted", "OutcomeUnknown", "AttemptSucceeded"]
    assert len(bench.provider.charges) == 1


async def test_the_pauses_between_questions_grow_up_to_a_limit(bench: Bench) -> None:
    attempt = await bench.started()
    bench.provider.mode = "hang"
    for calls in (1, 2, 3, 30):
        await bench.collector.settle(replace(attempt, calls=calls))
    assert bench.claimed.pauses == [1, 2, 4, PAUSE_SECONDS_MAX]
    assert await bench.event_names() == ["AttemptStarted", "OutcomeUnknown"]


async def test_a_card_agreed_to_meanwhile_is_charged_when_the_old_one_fails(bench: Bench) -> None:
    attempt = await bench.started(OTHER)
    bench.claimed.agreed_method = VISA
    await bench.collector.settle(attempt)
    assert await bench.event_names() == ["AttemptStarted", "AttemptFailed", "AttemptStarted"]
    await bench.collector.settle(bench.attempt(2, VISA))
    paid = (await bench.state()).paid
    assert paid is not None
    assert paid.method == VISA


async def test_a_voided_invoice_is_not_charged_any_more(bench: Bench) -> None:
    bench.claimed.agreed_method = OTHER
    await bench.collector.settle(replace(await bench.started(), voided=True))
    assert await bench.event_names() == ["AttemptStarted", "AttemptFailed"]
    assert not [outcome for outcome in bench.provider.charges.values() if isinstance(outcome, Taken)]


async def test_what_a_voided_invoice_paid_after_all_is_given_back(bench: Bench) -> None:
    attempt = await bench.started()
    bench.provider.mode = "lose"
    await bench.collector.settle(attempt)
    bench.provider.mode = "normal"
    voided = replace(attempt, voided=True, calls=2)
    await bench.collector.settle(voided)
    for _ in range(2):
        await bench.refunds.request(voided)
        await bench.refunds.settle(bench.due_refund(voided))
    assert await bench.event_names() == ["AttemptStarted", "OutcomeUnknown", "AttemptSucceeded", "RefundRequested", "Refunded"]
    assert len(bench.provider.refunds) == 1


async def refund_requested(bench: Bench) -> DueRefund:
    attempt = await bench.started()
    await bench.collector.settle(attempt)
    await bench.refunds.request(attempt)
    return bench.due_refund(attempt)


@pytest.mark.parametrize("mode", ["hang", "lose"])
async def test_a_refund_without_an_answer_is_requested_again_and_made_once(bench: Bench, mode: str) -> None:
    due = await refund_requested(bench)
    bench.provider.mode = mode  # type: ignore[assignment]
    await bench.refunds.settle(due)
    assert bench.claimed.pauses == [1]
    bench.provider.mode = "normal"
    await bench.refunds.settle(replace(due, calls=2))
    assert (await bench.event_names())[-2:] == ["RefundRequested", "Refunded"]
    assert len(bench.provider.given_back) == 1


async def test_a_refund_under_way_is_asked_about_until_it_is_made(bench: Bench) -> None:
    due = await refund_requested(bench)
    bench.provider.next_refund = RefundUnderway("re_1")
    for calls in (1, 2, 30):
        await bench.refunds.settle(replace(due, calls=calls))
    assert bench.claimed.pauses == [1, 2, PAUSE_SECONDS_MAX]
    bench.provider.refunds[due.order.refund_id] = RefundMade("re_1")
    await bench.refunds.settle(due)
    assert (await bench.event_names())[-1] == "Refunded"


async def test_a_refused_refund_has_failed_and_is_not_requested_again(bench: Bench) -> None:
    due = await refund_requested(bench)
    bench.provider.next_refund = RefundRefused("expired_or_canceled_card", "re_1")
    for _ in range(2):
        await bench.refunds.settle(due)
    assert (await bench.event_names())[-2:] == ["RefundRequested", "RefundFailed"]
    await bench.refunds.request(bench.attempt(1, VISA))
    assert (await bench.event_names())[-1] == "RefundFailed"


async def test_a_refund_that_the_bank_returned_has_failed(bench: Bench) -> None:
    due = await refund_requested(bench)
    await bench.refunds.settle(due)
    review = replace(due, order=replace(due.order, made_as="re_1"))
    await bench.refunds.settle(review)
    assert (bench.claimed.confirmed, (await bench.event_names())[-1]) == ([due.order.refund_id], "Refunded")
    bench.provider.mode = "hang"
    await bench.refunds.settle(review)
    assert (bench.claimed.pauses, (await bench.event_names())[-1]) == ([1], "Refunded")
    bench.provider.mode = "normal"
    bench.provider.refunds[due.order.refund_id] = RefundRefused("lost_or_stolen_card", "re_1")
    for _ in range(2):
        await bench.refunds.settle(review)
    assert (await bench.event_names())[-3:] == ["RefundRequested", "Refunded", "RefundFailed"]
    assert (await bench.state()).refunds.repaid_minor == 0


async def test_an_error_of_the_provider_is_no_outcome_of_a_refund(bench: Bench) -> None:
    due = await refund_requested(bench)
    taken = bench.provider.charges.pop(due.order.charge.charge_id)
    for calls in (1, 2):
        await bench.refunds.settle(replace(due, calls=calls))
    assert (bench.claimed.pauses, (await bench.event_names())[-1]) == ([1, 2], "RefundRequested")
    bench.provider.charges[due.order.charge.charge_id] = taken
    await bench.refunds.settle(due)
    assert (await bench.event_names())[-1] == "Refunded"


async def test_an_agreement_that_came_while_the_old_charge_failed_is_honoured(bench: Bench) -> None:
    await bench.collector.settle(await bench.started(OTHER))
    await bench.collector.retry_agreed(Agreement(MERCHANT, INVOICE, VISA, day(15)))
    assert (await bench.event_names())[-1] == "AttemptStarted"
    assert bench.claimed.forgotten == [INVOICE]


async def test_an_outcome_carries_on_the_story_that_began_with_the_attempt(bench: Bench) -> None:
    await bench.collector.settle(await bench.started())
    values: Sequence[bytes | None] = [message.value for message in bench.store.messages]
    assert all(str(BLUE.correlation_id).encode() in (value or b"") for value in values)


async def test_a_busy_provider_is_asked_later_and_nothing_is_recorded(bench: Bench) -> None:
    attempt = await bench.started()
    bench.provider.mode = "busy"
    for calls in (1, 2, 3):
        await bench.collector.settle(replace(attempt, calls=calls))
    assert await bench.event_names() == ["AttemptStarted"]
    assert all(base / 2 <= pause <= base * 1.5 for base, pause in zip((1, 2, 4), bench.claimed.pauses, strict=True))
    bench.provider.mode = "normal"
    await bench.collector.settle(replace(attempt, calls=4))
    assert await bench.event_names() == ["AttemptStarted", "AttemptSucceeded"]
