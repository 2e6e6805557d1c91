"""How old what is shown may be: up to which instant everything that the services committed has been read here.

Each relay says every few seconds up to which wall-clock instant all that was committed is on Kafka, and where its topics
ended then. Once our consumers have passed those ends, that instant is ours. Events' own times are never used: they follow
the merchants' clocks.
"""

import asyncio
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer
from pydantic import ValidationError

from billing_contracts.watermarks import TOPIC as WATERMARKS
from billing_contracts.watermarks import Watermark
from chassis.consumer import Consumer
from chassis.faults import Backoff, passes
from chassis.postgres.write_sets import Connection
from chassis.resting import rest

log = structlog.get_logger()

PENDING = 100
"""Watermarks kept per service while our consumers have not reached them; beyond, the newest takes the place of the last."""
LOOK_EVERY = 1.0


class Freshness:
    """Follows the watermarks on behalf of consumers with projections; one per worker process is enough, more do no harm."""

    def __init__(self, pool: asyncpg.Pool, bootstrap: str, consumers: Sequence[Consumer], topic: str = WATERMARKS) -> None:
        self._pool, self._bootstrap, self._topic = pool, bootstrap, topic
        self._readers = [(each.group, topic) for each in consumers if each.projections for topic in each.topics]

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; survives whatever passes by itself."""
        backoff = Backoff(0.5)
        while not stop.is_set():
            consumer = AIOKafkaConsumer(self._topic, bootstrap_servers=self._bootstrap, auto_offset_reset="earliest")
            try:
                await consumer.start()
                await self._follow(consumer, stop)
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("freshness not followed", error=type(error).__name__)
                await backoff.wait(stop)
            finally:
                await consumer.stop()

    async def _follow(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        while not stop.is_set():
            batches = await consumer.getmany(timeout_ms=100)
            newest = {
                each.service: each for records in batches.values() for each in _readable(record.value for record in records)
            }
            async with self._pool.acquire() as connection:
                for watermark in newest.values():
                    await keep(connection, watermark)
                await advance(connection, self._readers)
            await rest(stop, LOOK_EVERY)


async def keep(connection: Connection, watermark: Watermark) -> None:
    """Keeps what a relay said until our consumers have got there."""
    await connection.execute(
        """
        WITH crowded AS (
            DELETE FROM watermark WHERE service = $1 AND instant = (
                SELECT max(instant) FROM watermark WHERE service = $1 HAVING count(*) >= $4
            )
        )
        INSERT INTO watermark (service, instant, ends) VALUES ($1, $2, $3::text::jsonb) ON CONFLICT DO NOTHING
        """,
        watermark.service,
        watermark.instant,
        json.dumps(watermark.ends),
        PENDING,
    )


async def advance(connection: Connection, readers: Sequence[tuple[str, str]]) -> None:
    """Notes the newest watermark of each service that all readers, (group, topic), have passed."""
    await connection.execute(
        """
        WITH passed AS (
            SELECT service, max(instant) AS as_of FROM watermark
            WHERE NOT EXISTS (
                SELECT FROM unnest($1::text[], $2::text[]) AS reader (consumer_group, topic)
                CROSS JOIN LATERAL jsonb_each_text(ends -> reader.topic) AS said (partition, next)
                LEFT JOIN offsets ON offsets.consumer_group = reader.consumer_group AND offsets.topic = reader.topic
                    AND offsets.partition = said.partition::int
                WHERE coalesce(offsets.next, 0) < said.next::bigint
            )
            GROUP BY service
        ), noted AS (
            INSERT INTO freshness AS known (service, as_of) SELECT service, as_of FROM passed
            ON CONFLICT (service) DO UPDATE SET as_of = greatest(known.as_of, excluded.as_of)
        )
        DELETE FROM watermark USING passed WHERE watermark.service = passed.service AND watermark.instant <= passed.as_of
        """,
        [group for group, _ in readers],
        [topic for _, topic in readers],
    )


async def as_of(connection: Connection, services: Collection[str]) -> datetime | None:
    """The instant up to which all of the services have been read; None while one of them has never said anything."""
    instant: datetime | None = await connection.fetchval(
        "SELECT CASE count(*) WHEN $2 THEN min(as_of) END FROM freshness WHERE service = ANY ($1::text[])",
        list(services),
        len(services),
    )
    return instant


def _readable(values: Iterable[bytes | None]) -> list[Watermark]:
    found = []
    for value in values:
        try:
            found.append(Watermark.model_validate_json(value or b""))
        except ValidationError:
            log.warning("unreadable watermark")
    return found
