"""A subscriber's effects, without Kafka and without a database."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from billing_contracts.customers import CustomerProfile
from billing_contracts.records import Erased, RawRecord, Record
from billing_contracts.subscriptions import SubscriptionCancelled, SubscriptionStarted
from billing_subscriber.handler import DeadLetter, Handler
from billing_subscriber.positions import GapFound, Gaps
from billing_subscriber.records import Received
from billing_subscriber.stores.memory import MemoryStore
from support.billing_records import message, record, tombstone

MERCHANT = UUID(int=1)
SUBSCRIPTION = f"subscription-{uuid4()}"
Tx = dict[str, Any]


class Subscriber:
    """Notes the sequence of each cancellation."""

    def __init__(self, gaps: Gaps = Gaps.MARK) -> None:
        self.store = MemoryStore()
        self.handler = Handler("tests", self.store, gaps=gaps)
        self.handler.on(SubscriptionCancelled)(self.note)
        self.faults: list[Exception] = []
        self.dead: list[tuple[RawRecord, str]] = []

    async def note(self, event: Received[SubscriptionCancelled], data: Tx) -> None:
        data.setdefault("noted", []).append((event.envelope.sequence, list(event.missing)))
        if self.faults:
            raise self.faults.pop()

    async def send(self, raw: RawRecord, reason: str) -> None:
        self.dead.append((raw, reason))

    async def take(self, *records: Record) -> None:
        for run in self.handler.runs(records):
            await self.handler.take(run, self.send)

    @property
    def noted(self) -> list[tuple[int, list[int]]]:
        return list(self.store.data.get("noted", []))


def cancelled(sequence: int, **attributes: Any) -> Record:
    return other(sequence, SubscriptionCancelled, **attributes)


def other(sequence: int, event: Any = SubscriptionStarted, **attributes: Any) -> Record:
    named: dict[str, Any] = {"merchantid": MERCHANT, "subject": SUBSCRIPTION, "sequence": sequence, **attributes}
    return record(message(event, **named))


async def test_an_event_has_its_effect_once() -> None:
    it, event = Subscriber(), cancelled(1)
    await it.take(event, *([replace(event, offset=n) for n in range(1, 1000)]))
    assert it.noted == [(1, [])]
    assert (it.handler.counts["handled"], it.handler.counts["duplicate"]) == (1, 999)


async def test_a_failed_effect_leaves_nothing_and_works_later() -> None:
    it, event = Subscriber(), cancelled(1)
    it.faults = [ConnectionError("away")] * 10
    for _ in range(10):
        with pytest.raises(ConnectionError):
            await it.take(event)
        assert it.noted == []
    await it.take(event)
    assert it.noted == [(1, [])]
    assert it.dead == []


async def test_types_without_an_effect_are_counted_and_leave_no_gap() -> None:
    it = Subscriber()
    await it.take(other(1), other(2, type="billing.subscriptions.SubscriptionMoved.v1"), cancelled(3))
    assert it.noted == [(3, [])]
    assert (it.handler.counts["skipped"], it.handler.counts["unknown"]) == (1, 1)


async def test_a_gap_is_marked_and_a_late_event_has_its_effect() -> None:
    it = Subscriber()
    await it.take(cancelled(1), cancelled(4), cancelled(5), cancelled(2))
    assert it.noted == [(1, []), (4, [2, 3]), (5, []), (2, [])]
    assert it.handler.counts["missing"] == 2
    async with it.store.unit("tests") as unit:
        assert (await unit.position(MERCHANT, SUBSCRIPTION)).missing == ((3, 3),)


async def test_a_subscriber_that_needs_every_event_stops_at_a_gap_until_it_is_filled() -> None:
    it = Subscriber(Gaps.STOP)
    with pytest.raises(GapFound):
        await it.take(cancelled(1), cancelled(3))
    assert it.noted == [(1, [])]
    await it.take(cancelled(2), cancelled(3))
    assert it.noted == [(1, []), (2, []), (3, [])]


async def test_a_gap_before_an_event_without_effect_stops_too() -> None:
    it = Subscriber(Gaps.STOP)
    with pytest.raises(GapFound):
        await it.take(other(2))


async def test_each_aggregate_has_a_sequence_of_its_own() -> None:
    it = Subscriber(Gaps.STOP)
    await it.take(cancelled(1), cancelled(1, subject=f"subscription-{uuid4()}"), cancelled(1, merchantid=uuid4()))
    assert len(it.noted) == 3


@pytest.mark.parametrize("value", [b"{", b'{"not": "an event"}', None])
async def test_a_record_that_cannot_be_read_is_a_dead_letter_and_the_next_is_handled(value: bytes | None) -> None:
    it = Subscriber()
    bad = replace(cancelled(1), value=value)
    await it.take(bad, cancelled(1))
    assert it.noted == [(1, [])]
    assert [raw for raw, _ in it.dead] == [bad]
    assert it.handler.counts["dead_letter"] == 1


async def test_data_that_does_not_fit_is_a_dead_letter_and_no_gap() -> None:
    it = Subscriber(Gaps.STOP)
    bad = replace(cancelled(1), value=(cancelled(1).value or b"").replace(b'"effective_at"', b'"effective"'))
    await it.take(bad, cancelled(2))
    assert [raw for raw, _ in it.dead] == [bad]
    assert it.noted == [(2, [])]


async def test_an_effect_that_refuses_leaves_nothing_but_a_dead_letter() -> None:
    it = Subscriber(Gaps.STOP)
    it.faults = [DeadLetter("no such customer")]
    await it.take(cancelled(1), cancelled(2))
    assert [reason for _, reason in it.dead] == ["no such customer"]
    assert it.noted == [(2, [])]


async def test_a_dead_letter_that_cannot_be_stored_is_tried_again() -> None:
    it = Subscriber()

    async def away(_: RawRecord, __: str) -> None:
        raise ConnectionError

    [run] = it.handler.runs([replace(cancelled(1), value=b"{")])
    with pytest.raises(ConnectionError):
        await it.handler.take(run, away)
    assert it.handler.counts["dead_letter"] == 0
    await it.handler.take(run, it.send)
    assert len(it.dead) == 1


async def test_a_dead_letter_is_handled_when_it_comes_again_after_a_correction() -> None:
    it, event = Subscriber(), cancelled(1)
    it.faults = [DeadLetter("not yet")]
    await it.take(event)
    await it.take(event)
    assert it.noted == [(1, [])]


async def test_a_type_that_gets_an_effect_later_is_handled_when_it_comes_again() -> None:
    it, started, ended = Subscriber(), other(1), cancelled(2)
    await it.take(started, ended)

    @it.handler.on(SubscriptionStarted)
    async def begin(event: Received[SubscriptionStarted], data: Tx) -> None:
        data["began"] = event.envelope.sequence

    await it.take(started, ended)
    assert it.store.data == {"noted": [(2, [])], "began": 1}


async def test_an_erasure_and_a_profile_reach_the_same_store() -> None:
    store = MemoryStore()
    handler = Handler("tests", store)
    customer = uuid4()

    @handler.on(CustomerProfile)
    async def keep(event: Received[CustomerProfile], data: Tx) -> None:
        data[str(event.envelope.customerid)] = event.data.name

    @handler.on_erased
    async def erase(erased: Erased, data: Tx) -> None:
        data.pop(str(erased.id), None)

    profile = message(CustomerProfile, merchantid=MERCHANT, subject=f"customer-{customer}", customerid=customer, sequence=7)
    await take(handler, [record(profile)])
    assert list(store.data) == [str(customer)]
    await take(handler, [tombstone(MERCHANT, customer), tombstone(MERCHANT, customer)])
    assert store.data == {}
    assert (handler.counts["missing"], handler.counts["erased"]) == (0, 2)


async def take(handler: Handler[Any], records: Sequence[Record]) -> None:
    async def send(raw: RawRecord, reason: str) -> None:
        raise AssertionError(reason)

    for run in handler.runs(records):
        await handler.take(run, send)


def test_profiles_are_not_kept_without_a_way_to_erase_them() -> None:
    handler = Handler("tests", MemoryStore())

    @handler.on(CustomerProfile)
    async def keep(event: Received[CustomerProfile], data: Tx) -> None: ...

    with pytest.raises(ValueError, match="on_erased"):
        handler.topics()


def test_the_topics_are_those_of_the_effects() -> None:
    it = Subscriber()

    @it.handler.on_erased
    async def erase(erased: Erased, data: Tx) -> None: ...

    assert it.handler.topics() == ("billing.customers", "billing.subscriptions")
    with pytest.raises(ValueError, match="no effect"):
        Handler("tests", MemoryStore()).topics()


def test_an_effect_that_comes_after_the_subscription_is_refused() -> None:
    it = Subscriber()
    it.handler.topics()

    async def erase(erased: Erased, data: Tx) -> None: ...

    with pytest.raises(ValueError, match="subscribed already"):
        it.handler.on(SubscriptionCancelled)(it.note)
    with pytest.raises(ValueError, match="subscribed already"):
        it.handler.on_erased(erase)


def test_a_type_has_one_effect() -> None:
    it = Subscriber()
    with pytest.raises(ValueError, match="SubscriptionCancelled"):
        it.handler.on(SubscriptionCancelled)(it.note)


def test_runs_keep_partitions_apart_and_end_with_an_effect() -> None:
    it = Subscriber()
    records = [other(1), cancelled(2), other(3), replace(other(4), partition=1), other(5)]
    runs = it.handler.runs([replace(each, offset=n) for n, each in enumerate(records)])
    assert [[each.record.offset for each in run.records] for run in runs] == [[0, 1], [2], [3], [4]]


async def test_a_rebuild_forgets_what_was_handled_together_with_what_effects_wrote() -> None:
    it, event = Subscriber(), cancelled(1)
    await it.take(event)
    with pytest.raises(LookupError):
        await it.handler.rebuild()

    @it.handler.on_rebuild
    async def empty(data: Tx) -> None:
        data.clear()

    await it.handler.rebuild()
    assert it.noted == []
    await it.take(event)
    assert it.noted == [(1, [])]
