"""The progress of a consumer group, measured by the services' watermarks, and its reset to the first record."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError
from pydantic import ValidationError

from billing_contracts.registry import TOPICS
from billing_contracts.watermarks import TOPIC as WATERMARKS
from billing_contracts.watermarks import Watermark
from billing_subscriber.kafka import Subscription

_WATERMARKS_MAX = 1_000
"""Read from the end of the topic: with three services, half an hour."""
_WATERMARKS = TopicPartition(WATERMARKS, 0)
_POLL_MS = 1_000
_TIMEOUT_SECONDS = 60.0


class GroupIsActive(Exception):
    """The group has members, so its offsets cannot be reset."""


@dataclass(frozen=True, slots=True)
class Progress:
    """For one publishing service. Instants are wall-clock times."""

    service: str
    announced_until: datetime
    """Everything that the service committed before is on Kafka."""
    handled_until: datetime | None
    """Everything that the service committed before is handled; None if that precedes the oldest watermark that is read."""

    @property
    def caught_up(self) -> bool:
        return self.handled_until == self.announced_until


async def progress(subscription: Subscription) -> list[Progress]:
    """The progress for each service that publishes to the subscription's topics. Raises KafkaError and TimeoutError."""
    consumer = subscription.consumer(group_id=subscription.handler.group)
    partitions = _partitions(subscription)
    consumer.assign([_WATERMARKS])
    await consumer.start()
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            watermarks = await _newest(consumer)
            committed = {partition: await consumer.committed(partition) or 0 for partition in partitions}
    finally:
        await consumer.stop()
    return _compare(watermarks, committed)


async def rewind(subscription: Subscription) -> None:
    """Reset the group to the first record. Raises GroupIsActive while it has members, and KafkaError."""
    consumer = subscription.consumer(group_id=subscription.handler.group)
    partitions = _partitions(subscription)
    consumer.assign(partitions)
    await consumer.start()
    try:
        await consumer.commit(await consumer.beginning_offsets(partitions))
    except CommitFailedError:
        raise GroupIsActive(f"{subscription.handler.group} has members: stop them first") from None
    finally:
        await consumer.stop()


def _partitions(subscription: Subscription) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for topic in subscription.topics for number in range(TOPICS[topic].partitions)]


async def _newest(consumer: AIOKafkaConsumer) -> list[Watermark]:
    """The newest watermarks of all services, oldest first."""
    first = (await consumer.beginning_offsets([_WATERMARKS]))[_WATERMARKS]
    end = (await consumer.end_offsets([_WATERMARKS]))[_WATERMARKS]
    consumer.seek(_WATERMARKS, max(first, end - _WATERMARKS_MAX))
    newest: list[Watermark] = []
    while await consumer.position(_WATERMARKS) < end:
        for records in (await consumer.getmany(_WATERMARKS, timeout_ms=_POLL_MS)).values():
            for record in records:
                with suppress(ValidationError):
                    newest.append(Watermark.model_validate_json(record.value or b""))
    return newest


def _compare(watermarks: list[Watermark], committed: dict[TopicPartition, int]) -> list[Progress]:
    topics = {partition.topic for partition in committed}
    newest: dict[str, Progress] = {}
    for watermark in watermarks:
        ends = {
            TopicPartition(topic, number): end
            for topic in topics & watermark.ends.keys()
            for number, end in watermark.ends[topic].items()
        }
        if ends:
            known = newest.get(watermark.service)
            passed = all(committed.get(partition, 0) >= end for partition, end in ends.items())
            handled = watermark.instant if passed else known.handled_until if known else None
            newest[watermark.service] = Progress(watermark.service, watermark.instant, handled)
    return [newest[service] for service in sorted(newest)]
