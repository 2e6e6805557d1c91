"""Records that the client library rejects are decoded, and a stalled consumer is reported."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from integration.chassis_reading.test_group_member import consumer, counted, read_up_to

from chassis.consumers import fetcher, group_member, progress, quarantine, record_sets, run_consumers
from chassis.consumers.consumer import Consumer
from chassis.decoding import Record, Undecodable
from chassis.kafka_access import KafkaAccess
from chassis.runtime.health import Health
from support.any_records import record_set, send_raw, send_set
from support.consumer_events import lit, make_topic, producer, publish, record, until

BAD_NAME = "caf\udce9"
"""A header name that is not UTF-8: `café` in Latin-1."""


@pytest.fixture
async def kafka(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    async with producer(kafka_bootstrap) as sending:
        yield sending


@pytest.fixture
async def topic(kafka_bootstrap: str) -> str:
    return await make_topic(kafka_bootstrap, f"tests.lamps.{uuid4().hex[:8]}", 2)


class Running:
    """A running consumer and its health."""

    def __init__(self, pool: asyncpg.Pool, bootstrap: str, it: Consumer) -> None:
        self.health, self._stop = Health(), asyncio.Event()
        self._args: dict[str, Any] = {"service": "tests", "pool": pool, "kafka": KafkaAccess(bootstrap), "instance": "0"}
        self._consumer = it

    async def __aenter__(self) -> "Running":
        work = run_consumers([self._consumer], **self._args, stop=self._stop, health=self.health)
        self._task = asyncio.create_task(work)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        async with asyncio.timeout(30):
            await self._task

    async def problem(self) -> str | None:
        return (await self.health.failures()).get(f"consumer {self._consumer.group}")

    async def reports(self, part: str) -> bool:
        return part in (await self.problem() or "")

    async def healthy(self) -> bool:
        return await self.problem() is None


async def test_a_header_name_that_is_not_utf8_hides_no_record(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str
) -> None:
    odd = [replace(record(lit(uuid4(), 1)), headers=[(BAD_NAME, b"1"), ("ce_type", None)]) for _ in range(3)]
    plain = [record(lit(uuid4(), 1)) for _ in range(3)]
    async with Running(pool, kafka_bootstrap, consumer(topic)) as it:
        for partition in (0, 1):
            await publish(kafka, topic, plain[:1], partition=partition)
            await send_raw(kafka_bootstrap, topic, partition, [plain[1], *odd[:2], plain[2]])
            await publish(kafka, topic, [lit(uuid4(), 1)], partition=partition)
        await until(counted(pool, "events", 6 * 2 - 5))
        assert await it.healthy()
    assert await read_up_to(pool, topic) == 12
    assert await pool.fetchval("SELECT count(*) FROM quarantine") == 0


async def test_an_undecodable_record_with_such_a_header_is_quarantined_with_its_bytes(
    pool: asyncpg.Pool, kafka_bootstrap: str, topic: str
) -> None:
    headers = [(BAD_NAME, b"\xff"), ("null", None), ("a\0b", b""), ("a\0b", b"twice")]
    malformed = Record("", 0, 0, b"\0", b"\xff", headers)
    async with Running(pool, kafka_bootstrap, consumer(topic)):
        await send_raw(kafka_bootstrap, topic, 0, [malformed])
        await until(counted(pool, "quarantine", 1))
    async with pool.acquire() as connection:
        [quarantined] = await quarantine.pending(connection)
    assert (quarantined.record.key, quarantined.record.value, list(quarantined.record.headers)) == (b"\0", b"\xff", headers)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_compression_codec_is_decoded(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str, codec: str
) -> None:
    """The broker recompresses records that were sent with another codec."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"compression.type": codec})])
    finally:
        await admin.close()
    await asyncio.sleep(0.5)
    async with Running(pool, kafka_bootstrap, consumer(topic)):
        await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(50)])
        await send_raw(kafka_bootstrap, topic, 0, [replace(record(lit(uuid4(), 1)), headers=[(BAD_NAME, b"")])])
        await until(counted(pool, "events", 51))


async def test_a_corrupt_record_set_blocks_only_its_partition_and_can_be_skipped(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetcher, "RETRY_SECONDS", 0.5)
    undecodable = {"on": True}
    genuine = record_sets.decode

    def decode(partition: Any, data: bytes, start: int) -> Any:
        if undecodable["on"] and partition.partition == 0 and start <= 2:
            raise record_sets.CorruptRecordSet(2, 3, "checksum does not match")
        return genuine(partition, data, start)

    monkeypatch.setattr(record_sets, "decode", decode)
    async with Running(pool, kafka_bootstrap, consumer(topic)) as it:
        await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(2)], partition=0)
        await until(counted(pool, "events", 2))
        await send_raw(kafka_bootstrap, topic, 0, [replace(record(lit(uuid4(), 1)), headers=[(BAD_NAME, b"")])])
        await publish(kafka, topic, [lit(uuid4(), 1)], partition=0)
        await until(partial(it.reports, f"cannot decode {topic}/0: offset 2: checksum does not match"))
        await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(5)], partition=1)
        await until(counted(pool, "events", 7))
        async with pool.acquire() as connection:
            lost = Record(topic, 0, 2, None, None)
            with pytest.raises(quarantine.NotNext):
                await quarantine.skip(connection, f"of.{topic}", replace(lost, offset=1), Undecodable("skipped"))
            await quarantine.skip(connection, f"of.{topic}", lost, Undecodable("skipped"))
        await until(counted(pool, "events", 8))
        await until(it.healthy)
        await until(partial(pool.fetchval, "SELECT state = 'discarded' FROM quarantine"))


async def test_a_damaged_record_set_is_read_when_it_is_repaired(
    pool: asyncpg.Pool, kafka_bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetcher, "RETRY_SECONDS", 0.5)
    await send_raw(kafka_bootstrap, topic, 0, [replace(record(lit(uuid4(), 1)), headers=[(BAD_NAME, b"")])])
    genuine, damaged = record_sets.fetch, {"on": True}

    async def fetch(access: KafkaAccess, positions: Any) -> Any:
        fetched = await genuine(access, positions)
        return {each: data[:-1] + b"?" if damaged["on"] and data else data for each, data in fetched.items()}

    monkeypatch.setattr(record_sets, "fetch", fetch)
    async with Running(pool, kafka_bootstrap, consumer(topic)) as it:
        await until(partial(it.reports, "checksum does not match"))
        damaged["on"] = False
        await until(counted(pool, "events", 1))
        await until(it.healthy)


async def test_the_broker_itself_refuses_a_set_whose_checksum_does_not_match(kafka_bootstrap: str, topic: str) -> None:
    with pytest.raises(Exception, match="Corrupt"):
        await send_set(kafka_bootstrap, topic, 0, record_set([record(lit(uuid4(), 1))], damage=True))


async def test_a_stalled_client_is_reported_and_recreated(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "STANDSTILL_SECONDS", 3.0)
    monkeypatch.setattr(group_member, "STANDSTILL_SECONDS", 3.0)
    monkeypatch.setattr(group_member, "PROGRESS_CHECK_SECONDS", 0.3)
    clients: list[fetcher.TolerantConsumer] = []
    genuine = fetcher.TolerantConsumer.__init__

    def noted(self: fetcher.TolerantConsumer, *arguments: Any, **options: Any) -> None:
        genuine(self, *arguments, **options)
        clients.append(self)

    monkeypatch.setattr(fetcher.TolerantConsumer, "__init__", noted)
    async with Running(pool, kafka_bootstrap, consumer(topic)) as it:
        await publish(kafka, topic, [lit(uuid4(), 1)])
        await until(counted(pool, "events", 1))
        background: Any = clients[0]._fetcher
        background._fetch_task.cancel()
        sent = 1

        async def reports_standstill() -> bool:
            nonlocal sent
            # the fetch in flight may still return records
            await publish(kafka, topic, [lit(uuid4(), 1) for _ in range(2)])
            sent += 2
            return await it.reports("although records follow")

        await until(reports_standstill)
        await until(counted(pool, "events", sent))
        await until(it.healthy)
    assert len(clients) >= 2


async def test_a_stuck_record_is_reported_and_can_be_skipped(
    pool: asyncpg.Pool, kafka_bootstrap: str, kafka: AIOKafkaProducer, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = quarantine.add

    async def refuse(connection: Any, group: str, records: Any, personal: Any) -> None:
        if any(record.value == b"{" for record, _ in records):
            raise asyncpg.UntranslatableCharacterError("cannot be kept")
        await genuine(connection, group, records, personal)

    monkeypatch.setattr(quarantine, "add", refuse)
    async with Running(pool, kafka_bootstrap, consumer(topic)) as it:
        bad = replace(record(lit(uuid4(), 1)), value=b"{")
        await publish(kafka, topic, [record(lit(uuid4(), 1)), bad, record(lit(uuid4(), 1))], partition=0)
        await until(partial(it.reports, f"cannot handle or quarantine {topic}/0@1: UntranslatableCharacterError"))
        async with pool.acquire() as connection:
            await quarantine.skip(connection, f"of.{topic}", Record(topic, 0, 1, None, None), Undecodable("skipped"))
        await until(counted(pool, "events", 2))
        await until(it.healthy)
