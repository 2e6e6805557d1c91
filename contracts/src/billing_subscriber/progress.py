"""How far a group has come, by the services' watermarks; and sending it back to the first record."""

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

_WATERMARKS_READ = 1_000
"""From the end of the topic: with three services, half an hour."""
_WATERMARKS = TopicPartition(WATERMARKS, 0)
_READ_MS = 1_000
_SECONDS = 60.0


class GroupIsActive(Exception):
    """The group has members: their offsets cannot be changed under them."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one service. Instants are of the wall clock."""

    service: str
    announced_until: datetime
    """What the service committed before is on Kafka."""
    handled_until: datetime | None
    """What the service committed before has been handled; None when that is longer ago than the watermarks that are read."""

    @property
    def caught_up(self) -> bool:
        return self.handled_until == self.announced_until


async def progress(subscription: Subscription) -> list[Progress]:
    """One for each service that publishes to the subscription's topics. Raises KafkaError and TimeoutError."""
    consumer = subscription.consumer(group_id=subscription.handler.group)
    partitions = _partitions(subscription)
    consumer.assign([_WATERMARKS])
    await consumer.start()
    try:
        async with asyncio.timeout(_SECONDS):
            watermarks = await _newest(consumer)
            committed = {partition: await consumer.committed(partition) or 0 for partition in partitions}
    finally:
        await consumer.stop()
    return _compared(watermarks, committed)


async def rewind(subscription: Subscription) -> None:
    """The group's next member begins at the first record. Raises GroupIsActive while it has members, and KafkaError."""
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
    consumer.seek(_WATERMARKS, max(first, end - _WATERMARKS_READ))
    found: list[Watermark] = []
    while await consumer.position(_WATERMARKS) < end:
        for records in (await consumer.getmany(_WATERMARKS, timeout_ms=_READ_MS)).values():
            for record in records:
                with suppress(ValidationError):
                    found.append(Watermark.model_validate_json(record.value or b""))
    return found


def _compared(watermarks: list[Watermark], committed: dict[TopicPartition, int]) -> list[Progress]:
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
