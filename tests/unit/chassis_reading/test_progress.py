"""When a consumer group member stands still, and what it reports."""

import pytest
from aiokafka import TopicPartition

from chassis.consumers.progress import STANDSTILL_SECONDS, Progress

LAMPS = TopicPartition("billing.lamps", 3)
OTHERS = TopicPartition("billing.lamps", 4)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def member(clock: Clock) -> Progress:
    """A member that has joined its group."""
    progress = Progress(clock)
    progress.started()
    progress.joined = True
    return progress


def observe(member: Progress, clock: Clock, *positions: int | None, end: int = 9) -> None:
    """Observe every ten seconds."""
    for position in positions:
        member.observe({LAMPS: end}, {LAMPS: position})
        clock.now += 10


def test_an_idle_member_that_has_read_everything_makes_progress(member: Progress, clock: Clock) -> None:
    observe(member, clock, *[9] * 20)
    assert member.problem() is None
    assert member.standstill_seconds() == 0


def test_a_member_that_fetches_slowly_makes_progress(member: Progress, clock: Clock) -> None:
    observe(member, clock, *range(1, 9))
    assert member.problem() is None


@pytest.mark.parametrize("position", [4, None])
def test_a_member_that_fetches_nothing_although_records_exist_stands_still(
    member: Progress, clock: Clock, position: int | None
) -> None:
    observe(member, clock, position, position)
    assert member.problem() is None
    observe(member, clock, position, position)
    assert "although records follow" in str(member.problem())
    assert "billing.lamps/3" in str(member.problem())
    assert member.standstill == member.problem()


def test_one_stalled_partition_is_reported_although_others_advance(member: Progress, clock: Clock) -> None:
    for position in range(5):
        member.observe({LAMPS: 9, OTHERS: 900}, {LAMPS: 4, OTHERS: position})
        clock.now += 10
    assert "billing.lamps/3 stands at 4" in str(member.problem())


def test_the_last_fetch_error_is_reported(member: Progress, clock: Clock) -> None:
    member.fetch_error = "UnicodeDecodeError"
    observe(member, clock, *[4] * 4)
    assert str(member.problem()).endswith("although records follow: UnicodeDecodeError")


def test_a_new_consumer_is_no_progress_until_it_fetches(member: Progress, clock: Clock) -> None:
    observe(member, clock, *[4] * 4)
    standstill = member.standstill
    assert standstill is not None
    member.recreated(standstill)
    member.started()
    member.joined = True
    assert (member.problem(), member.standstill) == (standstill, None)
    observe(member, clock, 4)
    assert member.problem() == standstill
    member.processing(True)
    member.processing(False)
    assert member.problem() is None


def test_a_new_consumer_with_nothing_to_fetch_is_healthy(member: Progress, clock: Clock) -> None:
    observe(member, clock, *[4] * 4)
    member.recreated(str(member.standstill))
    member.started()
    observe(member, clock, 9)
    assert member.problem() is not None, "it has not joined its group yet"
    member.joined = True
    observe(member, clock, 9)
    assert member.problem() is None


def test_while_kafka_is_unavailable_no_standstill_is_reported(member: Progress, clock: Clock) -> None:
    observe(member, clock, *[4] * 4)
    member.kafka_unavailable()
    assert member.problem() is None
    observe(member, clock, 4, 4)
    assert member.problem() is None


def test_a_member_that_never_joins_stands_still(clock: Clock) -> None:
    member = Progress(clock)
    member.started()
    clock.now += STANDSTILL_SECONDS - 1
    assert member.problem() is None
    clock.now += 1
    assert "has not joined its group" in str(member.standstill)


def test_a_long_batch_is_reported_and_needs_no_new_consumer(member: Progress, clock: Clock) -> None:
    member.processing(True)
    observe(member, clock, *[4] * 4)
    assert "same batch in hand for 40 s" in str(member.problem())
    assert member.standstill is None
    member.processing(False)
    observe(member, clock, 9)
    assert member.problem() is None


def test_a_blocked_partition_is_reported_and_needs_no_new_consumer(member: Progress, clock: Clock) -> None:
    member.blocked[LAMPS] = "offset 4: checksum does not match"
    observe(member, clock, *[4] * 4)
    assert member.problem() == "cannot decode billing.lamps/3: offset 4: checksum does not match"
    assert member.standstill is None
    member.revoked([LAMPS])
    assert member.problem() is None
