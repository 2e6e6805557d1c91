"""The compared library: `faststream-outbox`, which relays rows of its table with a handler per row, as in its tutorial."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from faststream.kafka import KafkaBroker
from faststream_outbox import OutboxBroker, make_outbox_table
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from bench.measuring import Figures, Trial
from bench.rows.append import ENVELOPE
from bench.servers import Servers
from bench.topics import count, fresh_topic
from bench.usage import Meter, here
from support.databases import fresh_database

EVENTS: Final = 3_000
WORKERS: Final = 32


@asynccontextmanager
async def outbox(servers: Servers) -> AsyncIterator[Trial]:
    async with fresh_database(servers.postgres_url, "peer") as database:
        engine = create_async_engine(database.admin_url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=WORKERS + 4)
        metadata = MetaData()
        table = make_outbox_table(metadata, table_name="outbox")
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)

        async def trial() -> Figures:
            return await _relayed(servers, engine, OutboxBroker(engine, outbox_table=table, logger=None))

        try:
            yield trial
        finally:
            await engine.dispose()


async def _relayed(servers: Servers, engine: AsyncEngine, rows: OutboxBroker) -> Figures:
    """Rows per second, from the start of the broker until the table is empty."""
    topic = await fresh_topic(servers.kafka)
    kafka = KafkaBroker(servers.kafka, acks="all", enable_idempotence=True, logger=None)

    @kafka.publisher(topic)
    @rows.subscriber("events", max_workers=WORKERS)  # type: ignore[untyped-decorator, unused-ignore]
    async def relay(body: str) -> str:
        return body

    async with async_sessionmaker(engine, expire_on_commit=False)() as session, session.begin():
        for _ in range(EVENTS):
            await rows.publish(ENVELOPE.decode(), queue="events", session=session)
    await kafka.start()
    meter = Meter({**here(), **servers.processes})
    await rows.start()
    try:
        async with engine.connect() as watching:
            while (await watching.execute(text("SELECT count(*) FROM outbox"))).scalar():
                await watching.rollback()
                await asyncio.sleep(0.05)
        figures = meter.rate("faststream-outbox", EVENTS)
    finally:
        await rows.stop()
        await kafka.stop()
    if (sent := await count(servers.kafka, topic)) < EVENTS:
        raise RuntimeError(f"{EVENTS} rows, {sent} records")
    return figures
