"""How old what is shown may be: up to which instant everything that the services committed has been read here.

Each relay says every few seconds up to which wall-clock instant all that was committed is on Kafka, and where its topics
ended then. Once our consumers have passed those ends, that instant is ours. Events' own times are never used: they follow
the merchants' clocks.
"""

import asyncio
import json
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaTimeoutError, UnsupportedCodecError

from billing_contracts.records import error_summary
from billing_contracts.watermarks import TOPIC as WATERMARKS
from billing_contracts.watermarks import Watermark
from chassis.consumers.consumer import Consumer
from chassis.postgres.connection import Connection
from chassis.runtime.background import repeat
from chassis.runtime.fault_kinds import TRANSIENT
from chassis.runtime.faults import Backoff, describe_error, kind_of
from chassis.runtime.outages import outages
from chassis.runtime.wait import wait_for_event

log = structlog.get_logger()

PENDING = 100
"""Watermarks kept per service while our consumers have not reached them; beyond, the newest takes the place of the last."""
AHEAD = timedelta(minutes=5)
"""How far a relay's wall clock may be ahead of ours: a watermark beyond would show what is old as fresh for ever."""
LOOK_EVERY = 1.0
FETCH_WAIT_MS = 5000
"""How long the broker may hold a fetch: relays send watermarks as rarely."""
SILENCE_SECONDS = 30.0
"""After so long without a watermark the consumer is made again, if the broker has some that were not fetched."""


class WatermarkTracker:
    """Follows the watermarks on behalf of consumers with projections; one per worker process is enough, more do no harm."""

    def __init__(self, pool: asyncpg.Pool, bootstrap: str, consumers: Sequence[Consumer], topic: str = WATERMARKS) -> None:
        self._pool, self._bootstrap, self._topic = pool, bootstrap, topic
        self._readers = [(each.group, topic) for each in consumers if each.projections for topic in each.topics]

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop."""

        async def turn() -> None:
            consumer = AIOKafkaConsumer(
                self._topic,
                bootstrap_servers=self._bootstrap,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=FETCH_WAIT_MS,
            )
            try:
                await consumer.start()
                outages.worked("kafka")
                await self._follow(consumer, stop)
            finally:
                await consumer.stop()

        await repeat("freshness", turn, stop, dependency="kafka", proves=False, backoff=Backoff(0.5))

    async def _follow(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        heard, pending = time.monotonic(), True
        while not stop.is_set():
            batches = await _fetched(consumer)
            newest = {
                each.service: each for records in batches.values() for each in _readable(record.value for record in records)
            }
            if newest:
                heard = time.monotonic()
                outages.worked("kafka")
            elif time.monotonic() - heard > SILENCE_SECONDS and await _behind(consumer):
                raise KafkaTimeoutError("watermarks are there, and none was fetched")
            if newest or pending:
                async with self._pool.acquire() as connection:
                    for watermark in newest.values():
                        await store_watermark(connection, watermark)
                    pending = await advance(connection, self._readers)
                outages.worked("postgres")
            await wait_for_event(stop, LOOK_EVERY)


async def store_watermark(connection: Connection, watermark: Watermark) -> None:
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


async def advance(connection: Connection, readers: Sequence[tuple[str, str]]) -> bool:
    """Notes the newest watermark of each service that all readers, (group, topic), have passed; returns whether others are
    left.
    """
    pending: bool = await connection.fetchval(
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
        ), forgotten AS (
            DELETE FROM watermark USING passed WHERE watermark.service = passed.service AND watermark.instant <= passed.as_of
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM watermark) > (SELECT count(*) FROM forgotten)
        """,
        [group for group, _ in readers],
        [topic for _, topic in readers],
    )
    return pending


async def as_of(connection: Connection, services: Collection[str]) -> datetime | None:
    """The instant up to which all of the services have been read; None while one of them has never said anything."""
    instant: datetime | None = await connection.fetchval(
        "SELECT CASE count(*) WHEN $2 THEN min(as_of) END FROM freshness WHERE service = ANY ($1::text[])",
        list(services),
        len(services),
    )
    return instant


async def _fetched(consumer: AIOKafkaConsumer) -> dict[TopicPartition, list[ConsumerRecord[bytes | None, bytes | None]]]:
    """What came. A record set that the client cannot decode is passed over: each watermark replaces the ones before it."""
    try:
        return await consumer.getmany(timeout_ms=100)
    except Exception as error:
        if kind_of(error) is TRANSIENT and not isinstance(error, (CorruptRecordException, UnsupportedCodecError)):
            raise
        for partition in consumer.assignment():
            consumer.seek(partition, await consumer.position(partition) + 1)
        log.warning("freshness.undecodable", error=describe_error(error))
        return {}


async def _behind(consumer: AIOKafkaConsumer) -> bool:
    ends = await consumer.end_offsets(list(consumer.assignment()))
    return any([await consumer.position(partition) < end for partition, end in ends.items()])


def _readable(values: Iterable[bytes | None]) -> list[Watermark]:
    found = []
    for value in values:
        try:
            watermark = Watermark.model_validate_json(value or b"")
            if watermark.instant > datetime.now(UTC) + AHEAD:
                raise ValueError("an instant in the future")
        except ValueError as error:
            if (suppressed := outages.sparingly("freshness.unreadable")) is not None:
                log.warning("freshness.unreadable", error=error_summary(error), suppressed=suppressed)
        else:
            found.append(watermark)
    return found
