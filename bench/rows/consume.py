"""Consumption from Kafka to processed batches, compared with bare reading and with a handler per message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer
from faststream.kafka import KafkaBroker

from bench.databases import migrated
from bench.events import renewals
from bench.measuring import Figures, Line, Row, Target
from bench.rows.project import decode
from bench.servers import Servers, running
from bench.topics import fresh_topic, producer, publish
from bench.usage import HERE, Meter, here
from billing_contracts.envelope import Envelope
from chassis.consumers import Consumer, run_consumers
from chassis.kafka_access import KafkaAccess
from chassis.postgres.pool import create_pool
from chassis.service.service import tune_garbage_collection

STREAMS: Final = 30_000
EACH: Final = 5
SINGLE: Final = 20_000
"""Messages for the handler per message: a few seconds of work."""
POLL_SECONDS: Final = 0.05
"""Interval of progress queries, which take processor time of the measured process."""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    """One topic for all sides; each has its own group and starts at the first record."""
    async with running() as servers:
        topic, few = await fresh_topic(servers.kafka), await fresh_topic(servers.kafka)
        records = [(envelope.key(), envelope.value()) for envelope in renewals(STREAMS, EACH)]
        async with producer(servers.kafka) as sending:
            await publish(sending, topic, records)
            await publish(sending, few, records[:SINGLE])
        tune_garbage_collection()  # all sides collect garbage as a service does
        async with migrated(servers) as database, create_pool(database.url, name="bench", min_size=2, max_size=4) as pool:
            yield Row(
                [
                    partial(consume, servers, pool, topic, len(records)),
                    partial(_bare, servers, topic, len(records)),
                    partial(_per_message, servers, few, SINGLE),
                ],
                [
                    Line("checked, in order, offsets stored ÷ bare getmany", "portal", "getmany", target=Target(at_least=0.45)),
                    Line("÷ a FastStream handler per message", "portal", "handler per message", target=Target(at_least=10)),
                    Line("an event without a handler, CPU of Python", f"portal, CPU {HERE}", unit="µs", target=Target(at_most=7)),
                ],
            )


async def consume(servers: Servers, pool: asyncpg.Pool, topic: str, events: int) -> Figures:
    """A consumer like in a service, without a handler for the events: each is validated, and its offset is stored."""
    group, stop, processes = f"bench.{uuid4().hex[:8]}", asyncio.Event(), {**here(), **servers.processes}
    consumer = Consumer(group=group, topics=(topic,), decode=decode)
    meter, first = Meter(processes), None
    running = asyncio.create_task(
        run_consumers([consumer], service="bench", pool=pool, kafka=KafkaAccess(servers.kafka), instance="one", stop=stop)
    )
    while (
        read := await pool.fetchval("SELECT coalesce(sum(next), 0)::int FROM offsets WHERE consumer_group = $1", group)
    ) < events:
        if read and first is None:
            first, meter = read, Meter(processes)
        await asyncio.sleep(POLL_SECONDS)
    figures = meter.rate("portal", events - (first or 0))
    stop.set()
    await running
    return figures


async def _bare(servers: Servers, topic: str, events: int) -> Figures:
    """`getmany` in a loop, without further work."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=servers.kafka,
        group_id=f"bench.{uuid4().hex[:8]}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        first = sum(map(len, (await consumer.getmany(timeout_ms=10_000, max_records=500)).values()))
        meter, read = Meter({**here(), **servers.only("kafka")}), first
        while read < events:
            read += sum(map(len, (await consumer.getmany(timeout_ms=100, max_records=500)).values()))
        return meter.rate("getmany", events - first)
    finally:
        await consumer.stop()


async def _per_message(servers: Servers, topic: str, events: int) -> Figures:
    """FastStream as in its tutorial: a handler for each message as a pydantic model."""
    broker = KafkaBroker(servers.kafka, logger=None)
    done, read, meter = asyncio.Event(), 0, Meter({})

    @broker.subscriber(topic, group_id=f"bench.{uuid4().hex[:8]}", auto_offset_reset="earliest")
    async def handle(envelope: Envelope) -> None:
        nonlocal read, meter
        if not read:
            meter = Meter({**here(), **servers.only("kafka")})
        read += 1
        if read == events:
            done.set()

    await broker.start()
    try:
        await done.wait()
        return meter.rate("handler per message", events)
    finally:
        await broker.stop()
