"""The kit on a real Kafka: faults, repetitions, bad records, members that come and go.

Billing's topics are shared by the tests of this file: an effect here looks at events of its own merchant only.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from billing_contracts.customers import CustomerProfile
from billing_contracts.invoicing import InvoicePaid
from billing_contracts.records import Erased, Record
from billing_contracts.registry import TOPICS
from billing_contracts.subscriptions import SubscriptionCancelled
from billing_subscriber.handler import Handler
from billing_subscriber.records import Received
from billing_subscriber.stores.memory import MemoryStore
from billing_subscriber.stores.postgres import PostgresStore
from support.billing_records import message, record, tombstone
from support.consumer_events import producer, publish, until
from support.databases import ServiceDatabase, away
from support.subscribers import dead_letter_topic, group, member

TOPIC = "billing.subscriptions"
Tx = dict[str, Any]


def cancellations(merchant: UUID, count: int, subject: str | None = None, first: int = 1) -> list[Record]:
    """Of one aggregate, in order."""
    subject = subject or f"subscription-{uuid4()}"
    events = [message(SubscriptionCancelled, merchantid=merchant, subject=subject, sequence=first + n) for n in range(count)]
    return [record(event) for event in events]


async def send(kafka: str, records: Sequence[Record], partition: int | None = None) -> None:
    async with producer(kafka) as to:
        for each in records:
            await publish(to, each.topic, [each], partition)


async def dead(kafka: str, topic: str, key: bytes | None, count: int = 1) -> list[Any]:
    """The first dead letters with this key: the other tests here send bad records too."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    records: list[Any] = []
    try:
        async with asyncio.timeout(60):
            while len(records) < count:
                records += [each for each in [await consumer.getone()] if each.key == key]
    finally:
        await consumer.stop()
    return records


class Noting:
    """Notes the sequences of one merchant's cancellations; fails as often as it is given faults for.

    While `stuck`, every event fails that is the first of its aggregate.
    """

    def __init__(self, merchant: UUID, faults: Sequence[Exception] = (), stuck: bool = False) -> None:
        self.merchant, self.faults, self.stuck = merchant, list(faults), stuck
        self.store = MemoryStore()
        self.handler = Handler(group(), self.store)
        self.handler.on(SubscriptionCancelled)(self.note)
        self.attempts: list[float] = []

    async def note(self, event: Received[SubscriptionCancelled], data: Tx) -> None:
        if event.envelope.merchantid == self.merchant:
            self.attempts.append(time.monotonic())
            data.setdefault("noted", []).append(event.envelope.sequence)
            if self.stuck and event.envelope.sequence == 1:
                raise ConnectionError("away")
            if self.faults:
                raise self.faults.pop()

    async def noted(self, count: int) -> bool:
        return len(self.store.data.get("noted", [])) >= count


async def test_an_effect_that_fails_ten_times_works_the_eleventh_and_nothing_overtakes_it(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing_subscriber.kafka.LONGEST_PAUSE", 0.5)
    it = Noting(uuid4(), [ConnectionError("away")] * 10)
    await send(kafka, cancellations(it.merchant, 3))
    async with member(kafka, it.handler, await dead_letter_topic(kafka, it.handler.group)):
        await until(lambda: it.noted(3), seconds=90)
    assert it.store.data["noted"] == [1, 2, 3]
    assert len(it.attempts) == 13
    pauses = [after - before for before, after in zip(it.attempts[:11], it.attempts[1:11], strict=False)]
    assert min(pauses) >= 0.2, "no more than five attempts a second"


async def test_a_thousand_repetitions_have_one_effect(kafka: str) -> None:
    it = Noting(uuid4())
    repeated, last = cancellations(it.merchant, 2)
    async with producer(kafka) as to:
        await publish(to, TOPIC, [*[repeated] * 1001, last])
    async with member(kafka, it.handler, await dead_letter_topic(kafka, it.handler.group)):
        await until(lambda: it.noted(2), seconds=90)
    assert it.store.data["noted"] == [1, 2]
    assert len(it.attempts) == 2


async def _true(holds: bool) -> bool:
    return holds


async def test_an_event_that_fails_for_long_holds_up_its_own_partition_only(kafka: str) -> None:
    it = Noting(uuid4(), stuck=True)
    await send(kafka, cancellations(it.merchant, 2), partition=0)
    await send(kafka, cancellations(it.merchant, 2, first=101), partition=1)
    async with member(kafka, it.handler, await dead_letter_topic(kafka, it.handler.group)):
        await until(lambda: it.noted(2), seconds=60)
        assert it.store.data["noted"] == [101, 102]
        it.stuck = False
        await until(lambda: it.noted(4), seconds=60)
    assert it.store.data["noted"] == [101, 102, 1, 2]


async def test_a_topic_in_which_every_partition_fails_does_not_hold_up_another(kafka: str) -> None:
    it = Noting(uuid4(), stuck=True)
    paid: list[int] = []

    @it.handler.on(InvoicePaid)
    async def note(event: Received[InvoicePaid], data: Tx) -> None:
        if event.envelope.merchantid == it.merchant:
            paid.append(event.envelope.sequence)

    partitions = TOPICS[TOPIC].partitions
    for partition in range(partitions):
        await send(kafka, cancellations(it.merchant, 2), partition)
    async with member(kafka, it.handler, await dead_letter_topic(kafka, it.handler.group)):
        await until(lambda: _true(len(it.attempts) >= 4 * partitions), seconds=60)
        subject = f"invoice-{uuid4()}"
        async with asyncio.timeout(60):  # far more than twelve polls, far less than twelve pauses of each partition
            for sequence in range(1, 13):
                await send(kafka, [record(message(InvoicePaid, merchantid=it.merchant, subject=subject, sequence=sequence))])
                while paid[-1:] != [sequence]:
                    await asyncio.sleep(0.05)
        assert not await it.noted(1)
        it.stuck = False
        await until(lambda: it.noted(2 * partitions), seconds=60)
    assert paid == list(range(1, 13))


async def test_bad_records_are_dead_letters_with_their_headers_and_the_rest_is_handled(kafka: str) -> None:
    it = Noting(uuid4())
    first, second, third = cancellations(it.merchant, 3)
    odd = [("name", b"\xff"), ("traceparent", b"00-1-2-01")]
    broken = replace(second, value=(second.value or b"")[:-1], headers=odd)
    no_value = replace(second, value=None)
    await send(kafka, [first, broken, no_value, second, third])
    topic = await dead_letter_topic(kafka, it.handler.group)
    async with member(kafka, it.handler, topic):
        await until(lambda: it.noted(3))
        letters = await dead(kafka, topic, second.key, 2)
    assert it.store.data["noted"] == [1, 2, 3]
    assert [each.value for each in letters] == [broken.value, b""]
    headers = dict(letters[0].headers)
    assert headers["traceparent"] == b"00-1-2-01"
    assert headers["name"] == b"\xff"
    assert headers["dead_letter_reason"] == b"value: json_invalid"
    assert headers["dead_letter_topic"] == TOPIC.encode()


async def test_a_bad_record_that_is_too_large_with_the_reason_is_a_dead_letter_without_its_value(kafka: str) -> None:
    it = Noting(uuid4())
    first, second = cancellations(it.merchant, 2)
    large = replace(first, value=os.urandom(1024 * 1024 - 400))
    await send(kafka, [large, second])
    topic = await dead_letter_topic(kafka, it.handler.group)
    async with member(kafka, it.handler, topic):
        await until(lambda: it.noted(1))
        [letter] = await dead(kafka, topic, large.key)
    assert (letter.value, dict(letter.headers)["dead_letter_value"]) == (b"", b"too large")


async def test_without_a_dead_letter_topic_nothing_is_handled_and_the_log_says_how_to_make_it(
    kafka: str, caplog: pytest.LogCaptureFixture
) -> None:
    it = Noting(uuid4())
    await send(kafka, cancellations(it.merchant, 1))
    async with member(kafka, it.handler, f"{it.handler.group}.dlq"):
        await until(lambda: _true(f"billing_subscriber create-topic {it.handler.group}.dlq" in caplog.text))
        assert not await it.noted(1)
        await dead_letter_topic(kafka, it.handler.group)
        await until(lambda: it.noted(1))


async def test_an_erased_customer_leaves_nothing_and_a_bad_profile_is_kept_nowhere(kafka: str) -> None:
    merchant, customer, other = uuid4(), uuid4(), uuid4()
    store = MemoryStore()
    handler = Handler(group(), store)

    @handler.on(CustomerProfile)
    async def keep(event: Received[CustomerProfile], data: Tx) -> None:
        if event.envelope.merchantid == merchant:
            data[str(event.envelope.customerid)] = event.data.name

    @handler.on_erased
    async def erase(erased: Erased, data: Tx) -> None:
        if erased.merchant_id == merchant:
            del data[str(erased.id)]
            data["erased"] = str(erased.id)

    def profile(id: UUID) -> Record:
        return record(message(CustomerProfile, merchantid=merchant, subject=f"customer-{id}", customerid=id, sequence=5))

    bad = replace(profile(customer), value=b'{"email": "ana@example.com"', headers=[("email", b"ana@example.com")])
    await send(kafka, [profile(customer), bad, profile(other), tombstone(merchant, customer)])
    topic = await dead_letter_topic(kafka, handler.group)
    async with member(kafka, handler, topic):
        await until(lambda: _true({"erased", str(other)} <= store.data.keys()))
        [letter] = await dead(kafka, topic, bad.key)
    assert store.data.keys() == {"erased", str(other)}
    assert (letter.value, b"ana" in b"".join(value for _, value in letter.headers)) == (b"", False)
    assert dict(letter.headers)["dead_letter_value"] == b"withheld"


@pytest.fixture
async def store(database: ServiceDatabase) -> AsyncIterator[PostgresStore]:
    postgres = PostgresStore(database.owner_url, "CREATE TABLE IF NOT EXISTS noted (sequence bigint)")
    yield postgres
    await postgres.close()


async def test_a_database_that_goes_away_and_comes_back_loses_nothing(
    kafka: str, database: ServiceDatabase, store: PostgresStore
) -> None:
    merchant = uuid4()
    handler = Handler(group(), store)

    @handler.on(SubscriptionCancelled)
    async def note(event: Received[SubscriptionCancelled], connection: asyncpg.Connection) -> None:
        if event.envelope.merchantid == merchant:
            await connection.execute("INSERT INTO noted VALUES ($1)", event.envelope.sequence)

    async def noted() -> list[int]:
        async with store.unit(handler.group) as unit:
            return [row["sequence"] for row in await unit.tx.fetch("SELECT sequence FROM noted ORDER BY sequence")]

    events = cancellations(merchant, 6)
    await send(kafka, events[:2])
    async with member(kafka, handler, await dead_letter_topic(kafka, handler.group)):
        await until(lambda: _holds(noted, [1, 2]))
        async with away(database):
            await send(kafka, events[2:])
            await until(lambda: _true(handler.counts["failed"] >= 3))
        await until(lambda: _holds(noted, [1, 2, 3, 4, 5, 6]))


async def _holds(read: Any, expected: list[int]) -> bool:
    actual: list[int] = await read()
    return actual == expected


class Shared:
    """Two members of one group that write to one database."""

    def __init__(self, merchant: UUID, database: ServiceDatabase) -> None:
        self.merchant, self.group = merchant, group()
        self._schema = "CREATE TABLE IF NOT EXISTS noted (position bigserial, subject text, sequence bigint, member text)"
        self._url = database.owner_url
        self.stores: list[PostgresStore] = []

    def handler(self, name: str, pause: float) -> Handler[Any]:
        store = PostgresStore(self._url, self._schema)
        self.stores.append(store)
        handler = Handler(self.group, store)

        @handler.on(SubscriptionCancelled)
        async def note(event: Received[SubscriptionCancelled], connection: asyncpg.Connection) -> None:
            envelope = event.envelope
            if envelope.merchantid == self.merchant:
                sql = "INSERT INTO noted (subject, sequence, member) VALUES ($1, $2, $3)"
                await connection.execute(sql, envelope.subject, envelope.sequence, name)
                await asyncio.sleep(pause)

        return handler

    async def noted(self) -> list[tuple[str, int, str]]:
        connection = await asyncpg.connect(self._url)
        try:
            rows = await connection.fetch("SELECT subject, sequence, member FROM noted ORDER BY position")
        except asyncpg.UndefinedTableError:
            return []
        finally:
            await connection.close()
        return [tuple(row) for row in rows]

    async def close(self) -> None:
        for store in self.stores:
            await store.close()


@pytest.fixture
async def shared(database: ServiceDatabase) -> AsyncIterator[Shared]:
    example = Shared(uuid4(), database)
    yield example
    await example.close()


async def test_members_that_come_and_go_handle_everything_once_and_in_order(kafka: str, shared: Shared) -> None:
    streams = [cancellations(shared.merchant, 40) for _ in range(8)]
    await send(kafka, [each for step in zip(*streams, strict=True) for each in step])
    topic = await dead_letter_topic(kafka, shared.group)

    async def count() -> int:
        return len(await shared.noted())

    async with member(kafka, shared.handler("first", 0.02), topic):
        await until(lambda: _at_least(count, 20))
        async with member(kafka, shared.handler("second", 0.02), topic):
            await until(lambda: _both(shared))
            await until(lambda: _at_least(count, 200), seconds=60)
        async with member(kafka, shared.handler("third", 0.02), topic):
            await until(lambda: _at_least(count, 320), seconds=60)
    noted = await shared.noted()
    for stream in streams:
        subject = (stream[0].key or b"").decode().partition("/")[2]
        assert [sequence for each, sequence, _ in noted if each == subject] == list(range(1, 41))


async def _at_least(count: Any, minimum: int) -> bool:
    number: int = await count()
    return number >= minimum


async def _both(shared: Shared) -> bool:
    return {name for _, _, name in await shared.noted()} == {"first", "second"}


async def test_a_member_that_is_slower_than_the_group_allows_loses_and_doubles_nothing(kafka: str, shared: Shared) -> None:
    await send(kafka, cancellations(shared.merchant, 5))
    topic = await dead_letter_topic(kafka, shared.group)
    allowed = {"max_poll_interval_ms": 2000, "session_timeout_ms": 6000}
    async with (
        member(kafka, shared.handler("slow", 3.0), topic, **allowed),
        member(kafka, shared.handler("quick", 0.0), topic, **allowed),
    ):
        await until(lambda: _at_least(lambda: _length(shared), 5), seconds=60)
    assert [sequence for _, sequence, _ in await shared.noted()] == [1, 2, 3, 4, 5]


async def _length(shared: Shared) -> int:
    return len(await shared.noted())
