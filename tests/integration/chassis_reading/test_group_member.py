"""Consumer group members on Kafka and PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from billing_contracts.watermarks import Watermark
from chassis.consumers import offsets, quarantine, run_consumers
from chassis.consumers.consumer import Consumer
from chassis.consumers.unit_of_work import UnitOfWork
from chassis.consumers.watermarks import WatermarkTracker, as_of
from chassis.decoding import Received, Record
from chassis.kafka_access import KafkaAccess
from chassis.projections.change_notifications import ChangeNotifications
from support.consumer_events import LAMPS, MERCHANT, Lit, data_of, lit, make_topic, producer, publish, record, until
from support.databases import ServiceDatabase
from support.lamps import LAMP, NOON, Count
from support.topics import administrator


@pytest.fixture
async def kafka(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    async with producer(kafka_bootstrap) as sending:
        yield sending


@pytest.fixture
async def topic(kafka_bootstrap: str) -> str:
    return await make_topic(kafka_bootstrap, f"tests.lamps.{uuid4().hex[:8]}")


async def count(received: Received[Any], unit: UnitOfWork) -> None:
    await unit.decide(LAMP, UUID(received.envelope.subject.removeprefix("lamp-")), Count(NOON), cause=received)


def consumer(topic: str, **change: Any) -> Consumer:
    fields: dict[str, Any] = {
        "group": f"of.{topic}",
        "topics": (topic,),
        "decode": data_of,
        "reactions": {Lit.TYPE: count},
        "projections": (LAMPS,),
    }
    return Consumer(**fields | change)


@asynccontextmanager
async def running(pool: asyncpg.Pool, bootstrap: str, *consumers: Consumer, instance: str = "0") -> AsyncIterator[None]:
    stop = asyncio.Event()
    work = run_consumers(consumers, service="tests", pool=pool, kafka=KafkaAccess(bootstrap), instance=instance, stop=stop)
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(15):
            await task


def counted(pool: asyncpg.Pool, table: str, expected: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        rows: int = await pool.fetchval(f"SELECT count(*) FROM {table}")
        assert rows <= expected, f"{rows} {table} of {expected}"
        return rows == expected

    return reached


async def read_up_to(pool: asyncpg.Pool, topic: str) -> int:
    total: int = await pool.fetchval("SELECT coalesce(sum(next), 0)::int FROM offsets WHERE topic = $1", topic)
    return total


@pytest.mark.parametrize("after_commit", [None, lambda _: None], ids=["gathering", "at once"])
async def test_an_event_after_an_idle_time_ends_a_long_fetch(
    pool: asyncpg.Pool,
    kafka_bootstrap: str,
    kafka: AIOKafkaProducer,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
    after_commit: Any,
) -> None:
    monkeypatch.setattr("chassis.consumers.fetcher.IDLE_AFTER_SECONDS", 0.1)
    monkeypatch.setattr("chassis.consumers.fetcher.IDLE_WAIT_MS", 600_000)
    async with running(pool, kafka_bootstrap, consumer(topic, after_commit=after_commit)):
        await publish(kafka, topic, [lit(uuid4(), 1)])
        await until(counted(pool, "events", 1))
        await asyncio.sleep(1.5)
        await publish(kafka, topic, [lit(uuid4(), 1)])
        await until(counted(pool, "events", 2))


async def test_events_are_handled_and_offsets_stored(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(700)])
    async with running(pool, kafka_bootstrap, consumer(topic)):
        await until(counted(pool, "events", 700))
        await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(50)])
        await until(counted(pool, "events", 750))
    assert await read_up_to(pool, topic) == 750
    async with pool.acquire() as connection:
        assert await offsets.caught_up(connection, f"of.{topic}", [topic])
    async with administrator(kafka_bootstrap) as admin:
        assert await admin.list_consumer_group_offsets(f"of.{topic}") == {}


async def test_idle_partitions_are_read_although_their_assignment_was_too_slow(
    pool: asyncpg.Pool, kafka_bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without their offsets the group would look as if it had not read the topic, although there is nothing to read."""
    monkeypatch.setattr("chassis.consumers.group_member._ASSIGNMENT_SEEK_SECONDS", 0)
    monkeypatch.setattr("chassis.consumers.group_member.TOPIC_CHECK_SECONDS", 0.1)

    async def caught_up() -> bool:
        async with pool.acquire() as connection:
            return await offsets.caught_up(connection, f"of.{topic}", [topic])

    async with running(pool, kafka_bootstrap, consumer(topic)):
        await until(caught_up)


async def test_a_restarted_consumer_continues_at_the_stored_offset(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    lamp = uuid4()
    for n in range(1, 4):
        await publish(kafka, topic, [lit(lamp, n), lit(uuid4(), 1)])
        async with running(pool, kafka_bootstrap, consumer(topic)):
            await until(counted(pool, "events", 2 * n))
    assert await read_up_to(pool, topic) == 6


async def test_stored_offsets_may_be_changed_while_a_consumer_runs(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    lamp = uuid4()
    await publish(kafka, topic, [lit(lamp, n) for n in range(1, 11)])
    async with running(pool, kafka_bootstrap, consumer(topic)):
        await until(counted(pool, "events", 10))
        await pool.execute("UPDATE offsets SET next = 4 WHERE topic = $1 AND next = 10", topic)
        await publish(kafka, topic, [lit(lamp, 11)])
        await until(counted(pool, "events", 11))
    assert await read_up_to(pool, topic) == 11
    assert await pool.fetchval("SELECT count(*) FROM quarantine") == 0


async def test_undecodable_records_and_headers_do_not_stop_the_others(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    good = [record(lit(uuid4(), 1)) for _ in range(500)]
    good[3] = replace(good[3], value=b"\xff")
    good[4] = replace(good[4], headers=[("ce_type", b"\xff\xfe")])
    good[5] = replace(good[5], value=None)
    await publish(kafka, topic, good, partition=0)
    async with running(pool, kafka_bootstrap, consumer(topic)):
        await until(counted(pool, "events", 498))
    assert await pool.fetchval("SELECT array_agg(record_offset ORDER BY record_offset) FROM quarantine") == [3, 5]
    assert await read_up_to(pool, topic) == 500


async def test_no_record_is_skipped_during_a_database_outage(
    pool: asyncpg.Pool, database: ServiceDatabase, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    name = await pool.fetchval("SELECT current_database()")
    postgres = await asyncpg.connect(database.admin_url.rsplit("/", 1)[0] + "/postgres")
    try:
        async with running(pool, kafka_bootstrap, consumer(topic)):
            await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(20)])
            await until(counted(pool, "events", 20))
            await postgres.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            await postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
            await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(20)])
            await asyncio.sleep(1.5)
            await postgres.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(20)])
            await until(counted(pool, "events", 60))
        assert await pool.fetchval("SELECT count(*) FROM quarantine") == 0
    finally:
        await postgres.close()


async def test_a_topic_recreated_while_stopped_is_read_from_the_beginning(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    seen = [lit(uuid4(), 1) for _ in range(30)]
    await publish(kafka, topic, seen)
    async with running(pool, kafka_bootstrap, consumer(topic)):
        await until(counted(pool, "events", 30))
    await recreate_topic(kafka_bootstrap, topic)
    fresh = [lit(uuid4(), 1) for _ in range(40)]
    async with producer(kafka_bootstrap) as another:
        await publish(another, topic, [*seen, *fresh])
    async with running(pool, kafka_bootstrap, consumer(topic)):
        await until(counted(pool, "events", 70))
    assert await read_up_to(pool, topic) == 70


async def test_a_topic_recreated_while_running_is_read_from_the_beginning(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(30)])
    async with running(pool, kafka_bootstrap, consumer(topic)):
        await until(counted(pool, "events", 30))
        await recreate_topic(kafka_bootstrap, topic)
        async with producer(kafka_bootstrap) as another:
            await publish(another, topic, [lit(uuid4(), 1) for _ in range(90)])
        await until(counted(pool, "events", 120), seconds=60)
    assert await read_up_to(pool, topic) == 90


async def test_a_gap_in_a_log_is_passed(pool: asyncpg.Pool, kafka_bootstrap: str, topic: str) -> None:
    """The end of a transaction is an offset without a record, like the many that compaction leaves."""
    events = [lit(uuid4(), 1) for _ in range(4010)]
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=uuid4().hex) as kafka:
        async with kafka.transaction():
            await publish(kafka, topic, events[:10], partition=0)
        async with running(pool, kafka_bootstrap, consumer(topic, reactions={})):
            await until(counted(pool, "projection", 10))
        async with kafka.transaction():
            await publish(kafka, topic, events[10:], partition=0)
    async with running(pool, kafka_bootstrap, consumer(topic, reactions={})):
        await until(counted(pool, "projection", 4010))
    assert await read_up_to(pool, topic) == 4011


async def test_members_that_join_and_leave_handle_everything_once(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    lamps = [uuid4() for _ in range(40)]
    events = [lit(lamp, n) for n in range(1, 51) for lamp in lamps]

    async def load() -> None:
        for first in range(0, len(events), 100):
            await publish(kafka, topic, events[first : first + 100])
            await asyncio.sleep(0.2)

    async with running(pool, kafka_bootstrap, consumer(topic), instance="0"):
        loading = asyncio.create_task(load())
        await asyncio.sleep(0.5)
        async with running(pool, kafka_bootstrap, consumer(topic), instance="1"):
            await asyncio.sleep(1.5)
            async with running(pool, kafka_bootstrap, consumer(topic), instance="2"):
                await asyncio.sleep(1)
        await loading
        await until(counted(pool, "events", len(events)), seconds=60)
    assert await pool.fetchval("SELECT count(*) FROM projection WHERE sequence = 50 AND (doc -> 'times')::int = 50") == 40
    assert await pool.fetchval("SELECT count(*) FROM inbox") == len(events)
    assert await pool.fetchval("SELECT count(*) FROM quarantine") == 0
    assert await read_up_to(pool, topic) == len(events)


async def test_a_stopped_member_has_left_its_group(pool: asyncpg.Pool, kafka_bootstrap: str, topic: str) -> None:
    """The group need not wait for the end of the member's session before others take its partitions over."""
    group_consumer = consumer(topic)
    async with administrator(kafka_bootstrap) as admin:

        async def members() -> set[str]:
            [answer] = await admin.describe_consumer_groups([group_consumer.group])
            [group] = answer.to_object()["groups"]
            return {member["client_id"] for member in group["members"]}

        async with running(pool, kafka_bootstrap, group_consumer, instance="stays"):
            async with running(pool, kafka_bootstrap, group_consumer, instance="stops"), asyncio.timeout(30):
                while len(await members()) < 2:
                    await asyncio.sleep(0.1)
            assert await members() == {"tests.stays"}


async def test_an_operator_retries_or_discards_a_record(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    lamp, other = uuid4(), uuid4()
    broken = True

    async def stumble(received: Received[Any], unit: UnitOfWork) -> None:
        if received.data.watts == 0 and broken:
            raise RuntimeError("not yet")
        await count(received, unit)

    given_up = replace(record(lit(other, 2)), value=b"{")
    await publish(kafka, topic, [lit(lamp, 1), lit(lamp, 2, watts=0), lit(lamp, 3), lit(other, 1), given_up, lit(other, 3)])
    async with running(pool, kafka_bootstrap, consumer(topic, reactions={Lit.TYPE: stumble})):
        await until(counted(pool, "quarantine", 2))
        await until(counted(pool, "events", 4))
        broken = False
        async with pool.acquire() as connection:
            for bad in await quarantine.pending(connection):
                await (quarantine.discard if bad.aggregate == f"lamp-{other}" else quarantine.retry)(connection, bad.id)

        async def settled() -> bool:
            async with pool.acquire() as connection:
                return not await quarantine.pending(connection)

        await until(settled)
    assert await pool.fetchval("SELECT count(*) FROM events") == 5
    rows = await pool.fetch("SELECT aggregate, sequence, (doc -> 'times')::int, stale_since FROM projection")
    assert {tuple(row) for row in rows} == {(f"lamp-{lamp}", 3, 3, None), (f"lamp-{other}", 3, 2, None)}
    assert {row["state"] for row in await pool.fetch("SELECT state FROM quarantine")} == {"handled", "discarded"}


async def test_an_undecodable_record_can_be_discarded_again_for_a_later_successor(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    lamp = uuid4()

    async def give_up() -> None:
        async with pool.acquire() as connection:
            await quarantine.discard(connection, await connection.fetchval("SELECT id FROM quarantine"))

    async def sequence(expected: int) -> bool:
        row = await pool.fetchrow("SELECT sequence, stale_since FROM projection")
        return row is not None and tuple(row) == (expected, None)

    await publish(kafka, topic, [lit(lamp, 1), replace(record(lit(lamp, 2)), value=b"{")])
    async with running(pool, kafka_bootstrap, consumer(topic)):
        await until(counted(pool, "quarantine", 1))
        await give_up()
        await until(partial(sequence, 1))
        await publish(kafka, topic, [lit(lamp, 3)])
        await until(counted(pool, "waiting", 1))
        await give_up()
        await until(partial(sequence, 3))


async def test_changed_customers_are_notified_after_the_commit(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    customers = {uuid4() for _ in range(200)}
    notices, here, elsewhere = ChangeNotifications(pool, "lamps_changed"), set[tuple[UUID, UUID]](), set[tuple[UUID, UUID]]()
    senders: set[int] = set()

    def changed(customers: AbstractSet[tuple[UUID, UUID]]) -> None:
        here.update(customers)
        notices.send(customers)

    def hear(_: object, pid: int, __: str, payload: object) -> None:
        senders.add(pid)
        elsewhere.update((UUID(merchant), UUID(customer)) for merchant, customer in json.loads(str(payload)))

    async def all_heard() -> bool:
        return here == elsewhere == {(MERCHANT, customer) for customer in customers}

    async with pool.acquire() as listener:
        await listener.add_listener("lamps_changed", hear)
        await publish(kafka, topic, [lit(uuid4(), 1, customer=customer) for customer in customers])
        async with running(pool, kafka_bootstrap, consumer(topic, after_commit=changed)):
            await until(all_heard)
        await listener.remove_listener("lamps_changed", hear)
    await notices.close()
    assert all(notices.sent(pid) for pid in senders)


async def test_documents_become_fresh_once_everything_is_read(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    watermarks = await make_topic(kafka_bootstrap, f"tests.watermarks.{uuid4().hex[:8]}", 1)
    await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(10)], partition=1)
    watermark = Watermark(service="lamps", instant=NOON, ends={topic: {1: 10}})
    mark = Record(watermarks, 0, 0, b"lamps", watermark.model_dump_json().encode())
    await publish(kafka, watermarks, [replace(mark, value=b"?"), mark])
    stop = asyncio.Event()
    following = asyncio.create_task(WatermarkTracker(pool, KafkaAccess(kafka_bootstrap), [consumer(topic)], watermarks).run(stop))

    async def fresh() -> bool:
        async with pool.acquire() as connection:
            return await as_of(connection, ["lamps"]) == NOON

    await until(counted(pool, "watermark", 1))
    assert not await fresh()
    async with running(pool, kafka_bootstrap, consumer(topic)):
        await until(fresh)
    stop.set()
    await following


async def test_a_consumer_waits_for_kafka(pool: asyncpg.Pool) -> None:
    async with running(pool, "127.0.0.1:1", consumer("nowhere")):
        await asyncio.sleep(1)


async def recreate_topic(bootstrap: str, topic: str) -> None:
    async with administrator(bootstrap) as admin:
        await admin.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await admin.list_topics()

        await until(gone)
    await make_topic(bootstrap, topic)
