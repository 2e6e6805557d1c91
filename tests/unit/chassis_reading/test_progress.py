"""When a member of a consumer group stands still, and what it then says."""

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
    made = Progress(clock)
    made.started()
    made.joined = True
    return made


def looks(member: Progress, clock: Clock, *positions: int | None, end: int = 9) -> None:
    """Once each ten seconds."""
    for position in positions:
        member.observe({LAMPS: end}, {LAMPS: position})
        clock.now += 10


def test_a_member_that_has_read_everything_makes_progress_however_long_nothing_comes(member: Progress, clock: Clock) -> None:
    looks(member, clock, *[9] * 20)
    assert member.problem() is None
    assert member.standstill_seconds() == 0


def test_a_member_that_fetches_slowly_makes_progress(member: Progress, clock: Clock) -> None:
    looks(member, clock, *range(1, 9))
    assert member.problem() is None


@pytest.mark.parametrize("position", [4, None])
def test_a_member_that_fetches_nothing_although_records_follow_stands_still(
    member: Progress, clock: Clock, position: int | None
) -> None:
    looks(member, clock, position, position)
    assert member.problem() is None
    looks(member, clock, position, position)
    assert "although records follow" in str(member.problem())
    assert "billing.lamps/3" in str(member.problem())
    assert member.standstill == member.problem()


def test_one_partition_that_stands_is_not_hidden_by_others_that_move(member: Progress, clock: Clock) -> None:
    for position in range(5):
        member.observe({LAMPS: 9, OTHERS: 900}, {LAMPS: 4, OTHERS: position})
        clock.now += 10
    assert "billing.lamps/3 stands at 4" in str(member.problem())


def test_why_the_last_fetch_failed_is_said(member: Progress, clock: Clock) -> None:
    member.fetch_error = "UnicodeDecodeError"
    looks(member, clock, *[4] * 4)
    assert str(member.problem()).endswith("although records follow: UnicodeDecodeError")


def test_a_new_consumer_is_no_progress_until_it_fetches(member: Progress, clock: Clock) -> None:
    looks(member, clock, *[4] * 4)
    said = member.standstill
    assert said is not None
    member.recreated(said)
    member.started()
    member.joined = True
    assert (member.problem(), member.standstill) == (said, None)
    looks(member, clock, 4)
    assert member.problem() == said
    member.processing(True)
    member.processing(False)
    assert member.problem() is None


def test_a_new_consumer_that_has_nothing_to_fetch_is_well(member: Progress, clock: Clock) -> None:
    looks(member, clock, *[4] * 4)
    member.recreated(str(member.standstill))
    member.started()
    looks(member, clock, 9)
    assert member.problem() is not None, "it has not joined its group yet"
    member.joined = True
    looks(member, clock, 9)
    assert member.problem() is None


def test_while_kafka_cannot_be_asked_nothing_is_known(member: Progress, clock: Clock) -> None:
    looks(member, clock, *[4] * 4)
    member.kafka_unavailable()
    assert member.problem() is None
    looks(member, clock, 4, 4)
    assert member.problem() is None


def test_a_member_that_never_joins_stands_still(clock: Clock) -> None:
    member = Progress(clock)
    member.started()
    clock.now += STANDSTILL_SECONDS - 1
    assert member.problem() is None
    clock.now += 1
    assert "has not joined its group" in str(member.standstill)


def test_the_same_batch_in_hand_is_said_and_needs_no_new_consumer(member: Progress, clock: Clock) -> None:
    member.processing(True)
    looks(member, clock, *[4] * 4)
    assert "same batch in hand for 40 s" in str(member.problem())
    assert member.standstill is None
    member.processing(False)
    looks(member, clock, 9)
    assert member.problem() is None


def test_what_cannot_be_decoded_is_said_and_needs_no_new_consumer(member: Progress, clock: Clock) -> None:
    member.blocked[LAMPS] = "offset 4: checksum does not match"
    looks(member, clock, *[4] * 4)
    assert member.problem() == "cannot decode billing.lamps/3: offset 4: checksum does not match"
    assert member.standstill is None
    member.revoked([LAMPS])
    assert member.problem() is None
