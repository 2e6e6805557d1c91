"""The relay on real servers: every committed event is on Kafka at least once and in its stream's order."""

import asyncio
import json
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from billing_contracts.envelope import Envelope
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.event_store.write_sets import append_write_sets, read_streams
from chassis.eventsourcing.command_handler import CommandHandler, decide, rehydrate
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import VersionConflict, WriteSet
from chassis.kafka_access import KafkaAccess
from chassis.outbox.commit_signals import CommitSignals
from chassis.outbox.relay import Relay
from chassis.outbox.states import outbox_statement
from support.databases import ServiceDatabase
from support.lamps import LAMP, NOON, Command, Count, Event, Lamp
from support.ports import free_port
from support.processes import process, python

TOPICS = {"billing.lamps": 3, "billing.shades": 3, "billing.watermarks": 1}


@pytest.fixture(scope="module")
async def kafka(kafka_bootstrap: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1) for name, partitions in TOPICS.items()])
    finally:
        await admin.close()
    return kafka_bootstrap


class TopicReader:
    """The records of a topic with a key prefix, from the beginning of the topic."""

    def __init__(self, consumer: AIOKafkaConsumer, prefix: str) -> None:
        self._consumer, self._prefix = consumer, prefix.encode()
        self.records: list[tuple[bytes, bytes | None]] = []

    async def read_until(self, done: Callable[[], bool], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not done():
                for records in (await self._consumer.getmany(timeout_ms=100)).values():
                    keyed = [(record.key or b"", record.value) for record in records]
                    self.records += [(key, value) for key, value in keyed if key.startswith(self._prefix)]

    def versions(self) -> dict[str, list[int]]:
        """stream → its versions in the order of their first appearance on the topic."""
        seen: defaultdict[str, dict[int, None]] = defaultdict(dict)
        for _, value in self.records:
            envelope = Envelope.model_validate_json(value or b"")
            seen[envelope.subject][envelope.sequence] = None
        return {subject: list(versions) for subject, versions in seen.items()}


@asynccontextmanager
async def reading(bootstrap: str, topic: str, prefix: str) -> AsyncIterator[TopicReader]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    try:
        yield TopicReader(consumer, prefix)
    finally:
        await consumer.stop()


@asynccontextmanager
async def relaying(
    service: ServiceDatabase, bootstrap: str, name: str = "lamps", commits: CommitSignals | None = None
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(Relay(name, service.url, KafkaAccess(bootstrap), commits).run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


Lamps = CommandHandler[Command, Event, Lamp]


@pytest.fixture
def lamps(postgres_store: PostgresEventStore) -> Lamps:
    return CommandHandler(postgres_store, LAMP)


async def toggle(lamps: Lamps, merchant: UUID, times: int, ids: list[UUID]) -> None:
    context = Context.beginning(merchant, "operator")
    for i in range(times):
        await lamps.handle(context, ids[i % len(ids)], Count(NOON))


async def test_a_message_carries_the_event_and_its_envelope(service: ServiceDatabase, lamps: Lamps, kafka: str) -> None:
    merchant, id = uuid4(), uuid4()
    async with relaying(service, kafka), reading(kafka, "billing.lamps", str(merchant)) as topic:
        await toggle(lamps, merchant, 3, [id])
        await topic.read_until(lambda: len(topic.records) == 3)
    key, value = topic.records[0]
    envelope = Envelope.model_validate_json(value or b"")
    assert key == f"{merchant}/lamp-{id}".encode()
    attributes = (envelope.type, envelope.source, envelope.subject, envelope.sequence, envelope.time, envelope.merchantid)
    assert (*attributes, envelope.data) == (
        "billing.lamps.LampSwitched.v1",
        "/billing/lamps",
        f"lamp-{id}",
        1,
        NOON,
        merchant,
        {"on": True},
    )
    assert topic.versions() == {f"lamp-{id}": [1, 2, 3]}


async def test_a_process_that_cannot_reach_kafka_does_not_keep_another_from_relaying(
    service: ServiceDatabase, lamps: Lamps, kafka: str
) -> None:
    merchant, id = uuid4(), uuid4()
    async with relaying(service, f"127.0.0.1:{free_port()}"):
        await toggle(lamps, merchant, 1, [id])
        async with relaying(service, kafka), reading(kafka, "billing.lamps", str(merchant)) as topic:
            await topic.read_until(lambda: len(topic.records) == 1)


async def test_32_writers_and_slow_transactions_cause_no_gap_and_no_reordering(
    service: ServiceDatabase, pool: asyncpg.Pool, kafka: str
) -> None:
    merchant, ids = uuid4(), [uuid4() for _ in range(40)]
    async with (
        PostgresEventStore(pool, connections=2) as store,
        relaying(service, kafka),
        reading(kafka, "billing.lamps", str(merchant)) as topic,
    ):
        slow = [react(pool, merchant, ids[i : i + 15]) for i in range(8)]
        await asyncio.gather(*(toggle(CommandHandler(store, LAMP), merchant, 60, ids[i:] + ids[:i]) for i in range(32)), *slow)
        written: int = await pool.fetchval("SELECT count(*) FROM events")
        await topic.read_until(lambda: len(topic.records) >= written)
    assert len(topic.records) == written
    assert all(versions == list(range(1, len(versions) + 1)) for versions in topic.versions().values())


async def react(pool: asyncpg.Pool, merchant: UUID, ids: list[UUID]) -> None:
    """Write as reactions do: read without a transaction id, then append in a slow transaction."""
    for stream in [LAMP.stream(merchant, id) for id in ids]:
        written = False
        while not written:
            async with pool.acquire() as connection:
                loaded = rehydrate(LAMP, stream, (await read_streams(connection, [stream]))[stream])
                _, write_set = decide(LAMP, Context.beginning(merchant, "event:test"), loaded, Count(NOON))
                with suppress(VersionConflict):
                    async with connection.transaction():
                        await append_write_sets(connection, [write_set])
                        await asyncio.sleep(0.02)
                    written = True


async def test_reactions_and_commands_on_one_stream_are_relayed_in_version_order(
    service: ServiceDatabase, lamps: Lamps, pool: asyncpg.Pool, kafka: str
) -> None:
    merchant, id = uuid4(), uuid4()
    async with relaying(service, kafka), reading(kafka, "billing.lamps", str(merchant)) as topic:
        await asyncio.gather(toggle(lamps, merchant, 100, [id]), react(pool, merchant, [id] * 30))
        await topic.read_until(lambda: len(topic.records) >= 130)
    assert topic.versions() == {f"lamp-{id}": list(range(1, 131))}


async def test_an_open_transaction_holds_back_later_events_until_it_ends(
    service: ServiceDatabase, lamps: Lamps, pool: asyncpg.Pool, kafka: str
) -> None:
    merchant, first, second = uuid4(), uuid4(), uuid4()
    async with relaying(service, kafka), reading(kafka, "billing.lamps", str(merchant)) as topic:
        async with pool.acquire() as connection, connection.transaction():
            await connection.fetchval("SELECT pg_current_xact_id()")
            await toggle(lamps, merchant, 1, [second])
            with pytest.raises(TimeoutError):
                await topic.read_until(lambda: bool(topic.records), seconds=1.0)
        await topic.read_until(lambda: len(topic.records) == 1)
        await toggle(lamps, merchant, 1, [first])
        await topic.read_until(lambda: len(topic.records) == 2)


async def test_commit_signals_of_this_and_other_processes_wake_the_relay(
    service: ServiceDatabase, pool: asyncpg.Pool, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.outbox.relay.POLL_SECONDS", 3600.0)
    merchant, commits = uuid4(), CommitSignals(pool)
    async with (
        PostgresEventStore(pool, commits=commits) as here,
        PostgresEventStore(pool) as elsewhere,
        relaying(service, kafka, commits=commits),
        reading(kafka, "billing.lamps", str(merchant)) as topic,
    ):
        for written, store in enumerate((here, elsewhere, here, elsewhere), 1):
            await toggle(CommandHandler(store, LAMP), merchant, 1, [uuid4()])
            await topic.read_until(lambda written=written: len(topic.records) == written)  # type: ignore[misc]


async def test_a_held_back_event_is_sent_without_another_commit(
    service: ServiceDatabase, pool: asyncpg.Pool, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.outbox.relay.POLL_SECONDS", 3600.0)
    merchant, commits = uuid4(), CommitSignals(pool)
    async with (
        PostgresEventStore(pool, commits=commits) as store,
        relaying(service, kafka, commits=commits),
        reading(kafka, "billing.lamps", str(merchant)) as topic,
    ):
        async with pool.acquire() as connection, connection.transaction():
            await connection.fetchval("SELECT pg_current_xact_id()")
            await toggle(CommandHandler(store, LAMP), merchant, 1, [uuid4()])
            await asyncio.sleep(0.5)
            assert not topic.records
        await topic.read_until(lambda: len(topic.records) == 1)


async def test_states_and_tombstones_are_sent_in_order_and_deleted(
    service: ServiceDatabase, lamps: Lamps, pool: asyncpg.Pool, kafka: str
) -> None:
    key = f"{uuid4()}/shade-1".encode()
    states = [b"green", b"red", None]
    async with relaying(service, kafka), reading(kafka, "billing.shades", key.decode()) as topic:
        for state in states:
            await lamps.store.write(WriteSet(statements=(outbox_statement("billing.shades", key, state, {"ce_type": "shade"}),)))
        await topic.read_until(lambda: len(topic.records) == 3)
        assert topic.records == [(key, state) for state in states]
        async with asyncio.timeout(20):
            while await pool.fetchval("SELECT count(*) FROM outbox"):
                await asyncio.sleep(0.05)


async def test_a_watermark_contains_an_instant_and_the_partition_ends(service: ServiceDatabase, lamps: Lamps, kafka: str) -> None:
    merchant, name = uuid4(), f"lamps-{uuid4()}"
    await toggle(lamps, merchant, 20, [uuid4() for _ in range(5)])
    async with relaying(service, kafka, name), reading(kafka, "billing.watermarks", name) as watermarks:
        await watermarks.read_until(lambda: any(ends_of(value) for _, value in watermarks.records))
        async with reading(kafka, "billing.lamps", str(merchant)) as topic:
            await topic.read_until(lambda: len(topic.records) == 20)
            ends = next(ends for _, value in reversed(watermarks.records) if (ends := ends_of(value)))
    assert set(ends) == {"billing.lamps"}
    assert all(isinstance(offset, int) for offset in ends["billing.lamps"].values())


def ends_of(watermark: bytes | None) -> dict[str, dict[str, int]]:
    ends: dict[str, dict[str, int]] = json.loads(watermark or b"{}")["ends"]
    return ends


RUN_RELAY = """
import asyncio, sys
from chassis.kafka_access import KafkaAccess
from chassis.outbox.relay import Relay
asyncio.run(Relay("lamps", sys.argv[1], KafkaAccess(sys.argv[2])).run(asyncio.Event()))
"""


async def test_a_frozen_relay_loses_leadership_and_does_no_harm_when_it_resumes(
    service: ServiceDatabase, lamps: Lamps, pool: asyncpg.Pool, kafka: str
) -> None:
    merchant, ids = uuid4(), [uuid4() for _ in range(10)]
    async with (
        process(*python("-c", RUN_RELAY, service.url, kafka), stderr=asyncio.subprocess.DEVNULL) as frozen,
        reading(kafka, "billing.lamps", str(merchant)) as topic,
    ):
        await toggle(lamps, merchant, 20, ids)
        await topic.read_until(lambda: len(topic.records) == 20)
        writing = asyncio.create_task(toggle(lamps, merchant, 300, ids))
        await asyncio.sleep(0.05)
        os.kill(frozen.pid, signal.SIGSTOP)
        await writing
        async with relaying(service, kafka):
            await topic.read_until(lambda: sum(len(versions) for versions in topic.versions().values()) == 320)
            os.kill(frozen.pid, signal.SIGCONT)
            await toggle(lamps, merchant, 100, ids)
            await topic.read_until(lambda: sum(len(versions) for versions in topic.versions().values()) == 420)
            await asyncio.sleep(1)
            await topic.read_until(lambda: True)
    assert all(versions == list(range(1, 43)) for versions in topic.versions().values())


async def test_after_a_lost_session_the_next_leadership_continues(
    service: ServiceDatabase, lamps: Lamps, pool: asyncpg.Pool, kafka: str
) -> None:
    merchant, ids = uuid4(), [uuid4() for _ in range(5)]
    admin = await asyncpg.connect(service.admin_url)
    try:
        async with relaying(service, kafka), reading(kafka, "billing.lamps", str(merchant)) as topic:
            writing = asyncio.create_task(toggle(lamps, merchant, 400, ids))
            for _ in range(3):
                await asyncio.sleep(0.3)
                await admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'lamps.relay%'"
                )
            await writing
            await topic.read_until(lambda: sum(len(versions) for versions in topic.versions().values()) == 400)
    finally:
        await admin.close()
    assert all(versions == list(range(1, 81)) for versions in topic.versions().values())


async def test_after_a_restore_on_another_server_relaying_continues(
    service: ServiceDatabase, lamps: Lamps, pool: asyncpg.Pool, kafka: str
) -> None:
    """The restored events carry transaction ids of a server with much higher ids."""
    merchant, id = uuid4(), uuid4()
    await toggle(lamps, merchant, 3, [id])
    owner = await asyncpg.connect(service.admin_url)
    try:
        await owner.execute("UPDATE epoch SET system_identifier = system_identifier + 1")
        await owner.execute("UPDATE events SET xid = (xid::text::bigint + 1000000)::text::xid8")
    finally:
        await owner.close()
    async with relaying(service, kafka), reading(kafka, "billing.lamps", str(merchant)) as topic:
        await topic.read_until(lambda: len(topic.records) == 3)
        await toggle(lamps, merchant, 3, [id])
        await topic.read_until(lambda: len(topic.records) == 6)
    assert topic.versions() == {f"lamp-{id}": [1, 2, 3, 4, 5, 6]}
    epochs = await pool.fetch("SELECT epoch, count(*) FROM events GROUP BY epoch ORDER BY epoch")
    assert [tuple(row) for row in epochs] == [(1, 3), (2, 3)]
