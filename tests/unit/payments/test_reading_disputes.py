"""When the disputes about a charge are read again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import pytest
from unit.payments.collector_bench import Bench

from payments.application.charges import DisputeReport
from payments.application.disputes import DAY_SECONDS, EMPTY_LISTS_MAX, PAUSE_SECONDS_MAX, DisputeWorker
from payments.application.queue_ports import DueDisputes
from payments.domain.shapes import DisputeOutcome, Money

OPEN = DisputeReport("dp_1", Money(2999, "USD"), "fraudulent")
LOST = replace(OPEN, outcome=DisputeOutcome.LOST, returned=True)
PAID, DISPUTED, CLOSED = ["AttemptStarted", "AttemptSucceeded"], "DisputeOpened", "DisputeClosed"


@dataclass
class DisputesBench:
    bench: Bench = field(default_factory=Bench)
    pauses: list[float | None] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    async def disputes(self, most: int, lease: float) -> list[DueDisputes]:
        return []

    async def postpone_disputes(self, due: DueDisputes, seconds: float | None) -> None:
        self.pauses.append(seconds)

    async def paid(self) -> DueDisputes:
        due = await self.started()
        await self.bench.collector.settle(self.attempt)
        return due

    async def started(self) -> DueDisputes:
        self.attempt = await self.bench.started()
        return DueDisputes(self.attempt.order, self.attempt.invoice_id, 1, self.attempt.correlation_id, uuid4())

    async def read(self, due: DueDisputes, *reports: DisputeReport) -> Sequence[str]:
        """The payment's events after the provider has reported these disputes."""
        it = self.bench
        it.provider.disputed[due.order.charge_id] = list(reports)
        count: Any = lambda event: self.counted.append(type(event).__name__)  # noqa: E731
        worker = DisputeWorker(self, it.payments, it.provider, it.claimed, timeout_seconds=0.05, count=count)
        await worker.settle(due)
        return await it.event_names()


@pytest.fixture
def bench() -> DisputesBench:
    return DisputesBench()


async def test_an_open_dispute_is_read_again_after_a_day_and_a_closed_one_is_not(bench: DisputesBench) -> None:
    due = await bench.paid()
    assert await bench.read(due, OPEN) == await bench.read(due, OPEN) == [*PAID, DISPUTED]
    assert await bench.read(due, LOST) == await bench.read(due, LOST) == [*PAID, DISPUTED, CLOSED]
    assert bench.pauses == [DAY_SECONDS, DAY_SECONDS, None, None]
    assert bench.counted == [DISPUTED, CLOSED]


async def test_each_dispute_about_a_charge_has_events_of_its_own(bench: DisputesBench) -> None:
    other = replace(OPEN, reference="dp_2")
    assert await bench.read(await bench.paid(), LOST, other) == [*PAID, DISPUTED, CLOSED, DISPUTED]
    assert bench.pauses == [DAY_SECONDS]


@pytest.mark.parametrize("mode", ["hang", "busy"])
async def test_without_an_answer_the_pauses_grow_up_to_a_limit(bench: DisputesBench, mode: str) -> None:
    due = await bench.paid()
    bench.bench.provider.mode = mode  # type: ignore[assignment]
    for calls in (1, 2, 3, 30):
        assert await bench.read(replace(due, calls=calls), OPEN) == PAID
    assert bench.pauses == [1, 2, 4, PAUSE_SECONDS_MAX]


async def test_a_list_that_lacks_the_announced_dispute_is_read_again_a_few_times(bench: DisputesBench) -> None:
    due = await bench.paid()
    for calls in (1, EMPTY_LISTS_MAX - 1, EMPTY_LISTS_MAX):
        assert await bench.read(replace(due, calls=calls)) == PAID
    assert bench.pauses == [1, 2 ** (EMPTY_LISTS_MAX - 2), None]


async def test_a_dispute_that_is_reported_before_the_payment_is_recorded_later(bench: DisputesBench) -> None:
    due = await bench.started()
    assert await bench.read(due, OPEN) == PAID[:1]
    await bench.bench.collector.settle(bench.attempt)
    assert await bench.read(replace(due, calls=2), OPEN) == [*PAID, DISPUTED]
    assert bench.pauses == [1, DAY_SECONDS]
