"""The relay from rows in the events table to acknowledged records, compared with bare publishing and with a relay library."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final
from uuid import uuid4

import asyncpg

from bench.databases import migrated
from bench.measuring import Figures, Line, Row, Target
from bench.rows.append import BODY, ENVELOPE, HEADERS, MERCHANT
from bench.rows.relay_outbox import outbox
from bench.servers import Servers, running
from bench.topics import count, fresh_topic, producer
from bench.usage import Meter, here
from chassis.kafka_access import KafkaAccess
from chassis.outbox.relay import Relay
from chassis.outbox.states import headers_json

EVENTS: Final = 80_000


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with running() as servers, migrated(servers) as database, outbox(servers) as relayed_by_library:
        admin = await asyncpg.connect(database.admin_url)
        try:
            yield Row(
                [partial(_ours, servers, database.url, admin), partial(_alone, servers), relayed_by_library],
                [
                    Line("÷ publishing the same bytes alone", "portal", "aiokafka alone", target=Target(at_least=0.85)),
                    Line("÷ faststream-outbox", "portal", "faststream-outbox", target=Target(at_least=8)),
                ],
            )
        finally:
            await admin.close()


async def _ours(servers: Servers, url: str, admin: asyncpg.Connection) -> Figures:
    """Run the relay like in a service, from its start until its cursor is at the last event."""
    topic = await fresh_topic(servers.kafka)
    await admin.execute("TRUNCATE events")
    columns = ["epoch", "merchant_id", "stream", "version", "event_id", "name", "schema", "body", "topic", "headers", "value"]
    rows = (
        (1, MERCHANT, f"subscription-{uuid4()}", 1, uuid4(), "bench", 1, BODY, topic, headers_json(HEADERS), ENVELOPE)
        for _ in range(EVENTS)
    )
    await admin.copy_records_to_table("events", records=rows, columns=columns)
    last = await admin.fetchval("SELECT max(position) FROM events")
    meter, stop = Meter({**here(), **servers.processes}), asyncio.Event()
    running = asyncio.create_task(Relay("bench", url, KafkaAccess(servers.kafka)).run(stop))
    while await admin.fetchval("SELECT position FROM relay") < last:
        await asyncio.sleep(0.02)
    figures = meter.rate("portal", EVENTS)
    stop.set()
    with suppress(asyncio.CancelledError):
        await running
    if (sent := await count(servers.kafka, topic)) < EVENTS:
        raise RuntimeError(f"{EVENTS} events, {sent} records")
    return figures


async def _alone(servers: Servers) -> Figures:
    """Publish the same keys, values and headers, without a database."""
    topic = await fresh_topic(servers.kafka)
    headers = [(name, value.encode()) for name, value in HEADERS.items()]
    keys = [f"{MERCHANT}/subscription-{uuid4()}".encode() for _ in range(EVENTS)]
    async with producer(servers.kafka) as sending:
        meter = Meter({**here(), **servers.only("kafka")})
        for start in range(0, EVENTS, 1000):
            futures = [await sending.send(topic, ENVELOPE, key, headers=headers) for key in keys[start : start + 1000]]
            await asyncio.gather(*futures)
        return meter.rate("aiokafka alone", EVENTS)
