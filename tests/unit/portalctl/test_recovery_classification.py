"""Each stream of a restored store is equal to its topic, ahead of it, behind it, or forked."""

from datetime import UTC, datetime
from uuid import UUID

from billing_contracts.envelope import Envelope
from chassis.eventsourcing.event_store import Message
from portalctl.recovery.classification import Fork, Kind, TopicEvent, compare

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
STREAM = f"subscription-{UUID(int=9)}"


def event(sequence: int, id: int) -> TopicEvent:
    envelope = Envelope(
        id=UUID(int=id),
        source="/billing/subscriptions",
        type="billing.subscriptions.SubscriptionRenewed.v1",
        subject=STREAM,
        time=NOON,
        recordedtime=NOON,
        sequence=sequence,
        merchantid=UUID(int=1),
        correlationid=UUID(int=2),
        data={},
    )
    return TopicEvent(envelope, Message("billing.subscriptions", b"key", envelope.value()), f"billing.subscriptions/0@{id}")


def stored(*ids: int) -> dict[int, UUID]:
    return {version: UUID(int=id) for version, id in enumerate(ids, 1)}


def test_the_same_events_are_equal() -> None:
    assert compare(stored(11, 12), [event(1, 11), event(2, 12)], unsent=[1, 2]).kind is Kind.EQUAL


def test_without_later_records_everything_was_sent() -> None:
    assert compare(stored(11, 12), []).kind is Kind.EQUAL


def test_unsent_events_put_the_store_ahead() -> None:
    comparison = compare(stored(11, 12, 13), [event(2, 12)], unsent=[2, 3])
    assert comparison.kind is Kind.STORE_AHEAD
    assert comparison.lost == ()


def test_later_records_put_the_topic_ahead_and_are_lost_in_their_order() -> None:
    comparison = compare(stored(11), [event(2, 12), event(3, 13), event(2, 12)])
    assert comparison.kind is Kind.TOPIC_AHEAD
    assert (comparison.store_version, comparison.topic_version) == (1, 3)
    assert [each.envelope.id.int for each in comparison.lost] == [12, 13]


def test_a_stream_that_the_store_does_not_have_is_lost_as_a_whole() -> None:
    comparison = compare({}, [event(1, 11), event(2, 12)])
    assert comparison.kind is Kind.TOPIC_AHEAD
    assert (comparison.store_version, len(comparison.lost)) == (0, 2)


def test_another_event_under_a_known_sequence_is_a_fork() -> None:
    theirs = event(2, 12)
    comparison = compare(stored(11, 22), [theirs], unsent=[2])
    assert comparison.kind is Kind.FORK
    assert comparison.forks == (Fork(2, UUID(int=22), theirs),)


def test_the_first_record_of_a_sequence_decides_because_consumers_took_it() -> None:
    comparison = compare(stored(11, 22), [event(2, 12), event(2, 22)], unsent=[])
    assert comparison.kind is Kind.FORK


def test_a_fork_may_also_have_lost_events() -> None:
    comparison = compare(stored(11, 22), [event(2, 12), event(3, 13)])
    assert comparison.kind is Kind.FORK
    assert [each.envelope.id.int for each in comparison.lost] == [13]
    assert comparison.topic_version == 3


def test_a_fork_behind_the_store_has_nothing_lost() -> None:
    comparison = compare(stored(11, 22, 23), [event(2, 12)], unsent=[2, 3])
    assert comparison.kind is Kind.FORK
    assert (comparison.store_version, comparison.topic_version, comparison.lost) == (3, 2, ())
