"""Freshness: the instant up to which everything that the services committed has been read here.

Each relay publishes a watermark every few seconds: a wall-clock instant, and the ends of its topics once everything that was
committed before that instant is on Kafka. When our consumers have passed those ends, the service is fresh up to that instant.
Times of events are not used, because they follow the merchants' clocks.
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
from chassis.kafka_access import KafkaAccess
from chassis.postgres.connection import Connection
from chassis.runtime.background import repeat
from chassis.runtime.fault_kinds import TRANSIENT
from chassis.runtime.faults import Backoff, describe_error, kind_of
from chassis.runtime.outages import outages
from chassis.runtime.wait import wait_for_event

log = structlog.get_logger()

PENDING_MAX = 100
"""Stored watermarks per service that our consumers have not reached. A further one replaces the newest."""
CLOCK_SKEW_MAX = timedelta(minutes=5)
"""Between a relay's wall clock and ours. A watermark further in the future would hide staleness."""
POLL_SECONDS = 1.0
FETCH_WAIT_MS = 5000
"""How long the broker may hold a fetch. Relays send watermarks at about this interval."""
SILENCE_SECONDS = 30.0
"""Recreate the consumer after this time without a watermark, if the broker has unfetched ones."""


class WatermarkTracker:
    """Compares watermarks with the offsets of consumers that have projections. One per worker process; several do no harm."""

    def __init__(self, pool: asyncpg.Pool, kafka: KafkaAccess, consumers: Sequence[Consumer], topic: str = WATERMARKS) -> None:
        self._pool, self._kafka, self._topic = pool, kafka, topic
        self._readers = [(each.group, topic) for each in consumers if each.projections for topic in each.topics]

    async def run(self, stop: asyncio.Event) -> None:
        """Track watermarks until `stop` is set."""

        async def follow() -> None:
            consumer = AIOKafkaConsumer(
                self._topic,
                **self._kafka.options(),
                auto_offset_reset="earliest",
                fetch_max_wait_ms=FETCH_WAIT_MS,
            )
            try:
                await consumer.start()
                outages.worked("kafka")
                await self._follow(consumer, stop)
            finally:
                await consumer.stop()

        await repeat("freshness", follow, stop, dependency="kafka", proves=False, backoff=Backoff(0.5))

    async def _follow(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        last_received, pending = time.monotonic(), True
        while not stop.is_set():
            batches = await _fetch(consumer)
            newest = {each.service: each for records in batches.values() for each in _decode(record.value for record in records)}
            if newest:
                last_received = time.monotonic()
                outages.worked("kafka")
            elif time.monotonic() - last_received > SILENCE_SECONDS and await _behind(consumer):
                raise KafkaTimeoutError("watermarks exist, but none was fetched")
            if newest or pending:
                async with self._pool.acquire() as connection:
                    for watermark in newest.values():
                        await store_watermark(connection, watermark)
                    pending = await advance(connection, self._readers)
                outages.worked("postgres")
            await wait_for_event(stop, POLL_SECONDS)


async def store_watermark(connection: Connection, watermark: Watermark) -> None:
    """Store a watermark until our consumers have reached it."""
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
        PENDING_MAX,
    )


async def advance(connection: Connection, readers: Sequence[tuple[str, str]]) -> bool:
    """Store the newest watermark of each service that all readers, (group, topic), have passed. Return whether some are left."""
    pending: bool = await connection.fetchval(
        """
        WITH passed AS (
            SELECT service, max(instant) AS as_of FROM watermark
            WHERE NOT EXISTS (
                SELECT FROM unnest($1::text[], $2::text[]) AS reader (consumer_group, topic)
                CROSS JOIN LATERAL jsonb_each_text(ends -> reader.topic) AS log_end (partition, next)
                LEFT JOIN offsets ON offsets.consumer_group = reader.consumer_group AND offsets.topic = reader.topic
                    AND offsets.partition = log_end.partition::int
                WHERE coalesce(offsets.next, 0) < log_end.next::bigint
            )
            GROUP BY service
        ), stored AS (
            INSERT INTO freshness AS known (service, as_of) SELECT service, as_of FROM passed
            ON CONFLICT (service) DO UPDATE SET as_of = greatest(known.as_of, excluded.as_of)
        ), deleted AS (
            DELETE FROM watermark USING passed WHERE watermark.service = passed.service AND watermark.instant <= passed.as_of
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM watermark) > (SELECT count(*) FROM deleted)
        """,
        [group for group, _ in readers],
        [topic for _, topic in readers],
    )
    return pending


async def as_of(connection: Connection, services: Collection[str]) -> datetime | None:
    """The instant up to which all of the services have been read; None if one has no watermark yet."""
    instant: datetime | None = await connection.fetchval(
        "SELECT CASE count(*) WHEN $2 THEN min(as_of) END FROM freshness WHERE service = ANY ($1::text[])",
        list(services),
        len(services),
    )
    return instant


async def _fetch(consumer: AIOKafkaConsumer) -> dict[TopicPartition, list[ConsumerRecord[bytes | None, bytes | None]]]:
    """The next records. Skips an undecodable record set, since each watermark supersedes the earlier ones."""
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


def _decode(values: Iterable[bytes | None]) -> list[Watermark]:
    watermarks = []
    for value in values:
        try:
            watermark = Watermark.model_validate_json(value or b"")
            if watermark.instant > datetime.now(UTC) + CLOCK_SKEW_MAX:
                raise ValueError("instant in the future")
        except ValueError as error:
            if (suppressed := outages.sparingly("freshness.unreadable")) is not None:
                log.warning("freshness.unreadable", error=error_summary(error), suppressed=suppressed)
        else:
            watermarks.append(watermark)
    return watermarks
