"""Reads the records of a topic from given offsets to its current end."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.decoding import RawRecord
from chassis.eventsourcing.event_store import Message
from chassis.kafka_access import KafkaAccess
from portalctl.local.errors import StackError
from portalctl.recovery.classification import TopicEvent
from verify.topics import envelope_of, reading

_PATIENCE_SECONDS = 60.0


class TopicLog:
    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def ends(self, topic: str) -> dict[int, int]:
        partitions = self._partitions(topic)
        return {each.partition: end for each, end in (await self._consumer.end_offsets(partitions)).items()}

    async def records(self, topic: str, since: Mapping[int, int]) -> AsyncIterator[RawRecord]:
        """The records from the offsets `since` (missing: 0) to the current end; each partition's in order.

        Raises StackError if the log ends before an offset in `since`, or without progress.
        """
        ends = await self.ends(topic)
        for number, offset in since.items():
            if offset > ends.get(number, 0):
                raise StackError(
                    f"{topic}/{number} ends at {ends.get(number, 0)}, and {offset} records were sent to it: Kafka has lost "
                    "records. Run `portalctl topics refill` first"
                )
        begin = await self._consumer.beginning_offsets(self._partitions(topic))
        next = {TopicPartition(topic, each): max(since.get(each, 0), begin[TopicPartition(topic, each)]) for each in ends}
        for partition, offset in next.items():
            self._consumer.seek(partition, offset)
        moved = time.monotonic()
        while left := [partition for partition, offset in next.items() if offset < ends[partition.partition]]:
            batches = await self._consumer.getmany(*left, timeout_ms=200)
            for partition in left:
                position = await self._consumer.position(partition)
                if position != next[partition]:
                    next[partition], moved = position, time.monotonic()
            for partition, batch in batches.items():
                for record in batch:
                    if record.offset < ends[partition.partition]:
                        yield record
            if time.monotonic() - moved > _PATIENCE_SECONDS:
                raise StackError(f"{topic} was not read to its end within {_PATIENCE_SECONDS:.0f} s")

    def _partitions(self, topic: str) -> list[TopicPartition]:
        return sorted(each for each in self._consumer.assignment() if each.topic == topic)


@asynccontextmanager
async def open_log(kafka: KafkaAccess) -> AsyncIterator[TopicLog]:
    """Raises StackError without a broker or a topic."""
    async with reading(kafka) as consumer:
        yield TopicLog(consumer)


def event_of(record: RawRecord) -> TopicEvent | None:
    """None for values that consumers quarantine."""
    envelope = envelope_of(record.value)
    if envelope is None or record.key is None:
        return None
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    message = Message(record.topic, record.key, record.value, headers)
    return TopicEvent(envelope, message, f"{record.topic}/{record.partition}@{record.offset}")
