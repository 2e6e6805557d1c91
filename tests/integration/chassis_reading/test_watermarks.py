"""The instant up to which everything has been read."""

from datetime import UTC, datetime, timedelta

import asyncpg
from aiokafka import TopicPartition

from billing_contracts.watermarks import Watermark
from chassis.consumers import offsets
from chassis.consumers.offsets import Position
from chassis.consumers.watermarks import PENDING_MAX, advance, as_of, store_watermark

GROUP = "tests.view"
READERS = [(GROUP, "billing.lamps"), (GROUP, "billing.paints")]
START = Position(0, "cluster", "log")
LAMPS = TopicPartition("billing.lamps", 0)


def at(second: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)


def watermark_of(second: int, end: int, service: str = "lamps") -> Watermark:
    return Watermark(service=service, instant=at(second), ends={f"billing.{service}": {0: end}})


async def test_freshness_advances_when_consumers_pass_a_watermark(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await offsets.begin(connection, GROUP, LAMPS, None, START, 0)
        assert await as_of(connection, ["lamps"]) is None
        for watermark in (watermark_of(5, 0), watermark_of(10, 10), watermark_of(15, 20)):
            await store_watermark(connection, watermark)
        await advance(connection, READERS)
        assert await as_of(connection, ["lamps"]) == at(5)
        await offsets.move(connection, GROUP, {LAMPS: (START, 12)})
        await advance(connection, READERS)
        assert await as_of(connection, ["lamps"]) == at(10)
        assert await connection.fetchval("SELECT count(*) FROM watermark") == 1


async def test_freshness_is_that_of_the_oldest_service(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await store_watermark(connection, watermark_of(5, 0))
        await store_watermark(connection, watermark_of(9, 0, "paints"))
        await advance(connection, READERS)
        assert await as_of(connection, ["lamps", "paints"]) == at(5)
        assert await as_of(connection, ["lamps", "paints", "silent"]) is None


async def test_topics_without_a_consumer_do_not_delay_freshness(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await store_watermark(connection, Watermark(service="lamps", instant=at(5), ends={"billing.other": {0: 1000}}))
        await advance(connection, READERS)
        assert await as_of(connection, ["lamps"]) == at(5)


async def test_pending_watermarks_are_limited(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for second in range(PENDING_MAX + 20):
            await store_watermark(connection, watermark_of(second, 100))
        assert await connection.fetchval("SELECT count(*) FROM watermark") == PENDING_MAX
        assert await connection.fetchval("SELECT max(instant) FROM watermark") == at(PENDING_MAX + 19)
