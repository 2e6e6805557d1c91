"""Reads the raw records of every topic of the contracts, without a consumer group."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code

from billing_contracts.envelope import Envelope
from billing_contracts.records import SUBJECT
from billing_contracts.registry import TOPICS, data_of
from chassis.consumers import record_sets
from chassis.consumers.record_sets import CorruptRecordSet
from chassis.decoding import RawRecord
from chassis.kafka_access import KafkaAccess
from portalctl.kafka_failures import explained
from portalctl.local.errors import StackError
from verify.card_leaks import holds_card_number
from verify.rows import Partition, Record

_FETCH_BYTES = 128 * 1024
"""Per partition. The client keeps a fetch of each partition in memory; a larger record arrives alone."""
_RECORDS_MAX = 2_000


@asynccontextmanager
async def reading(kafka: KafkaAccess, topics: Iterable[str] = tuple(TOPICS)) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of every partition of these topics. Raises StackError without a broker or a topic."""
    consumer = AIOKafkaConsumer(
        **kafka.options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    try:
        with explained(kafka):
            await consumer.start()
        consumer.assign(await _partitions(kafka, topics))
        yield consumer
    finally:
        await consumer.stop()


async def ends_of(consumer: AIOKafkaConsumer) -> dict[Partition, int]:
    """The next offset of every partition."""
    offsets = await consumer.end_offsets(list(consumer.assignment()))
    return {(partition.topic, partition.partition): end for partition, end in offsets.items()}


class RecordSink(Protocol):
    undecodable: list[str]
    """Record sets that cannot be decoded."""
    other_leaks: list[str]
    """Records with a card number."""

    def add_record(self, record: Record) -> None:
        """Takes a record without its envelope."""


async def read_all(
    consumer: AIOKafkaConsumer, kafka: KafkaAccess, cut: Mapping[Partition, int], into: RecordSink, patience: float = 60.0
) -> None:
    """Read all records up to the current ends. Raises StackError without progress for `patience` seconds."""
    ends = {TopicPartition(*place): end for place, end in (await ends_of(consumer)).items()}
    await consumer.seek_to_beginning(*ends)

    def take(partition: TopicPartition, batch: Iterable[RawRecord]) -> None:
        place = partition.topic, partition.partition
        for raw in batch:
            record = Record(*place, raw.offset, raw.key, raw.value, None, raw.offset < cut.get(place, 0))
            into.add_record(record)
            headers = [part for name, value in raw.headers for part in (name.encode("utf-8", "replace"), value or b"")]
            if holds_card_number(b"\n".join((raw.key or b"", raw.value or b"", *headers))):
                into.other_leaks.append(f"record {record.place}")

    next = {each: await consumer.position(each) for each in ends}
    reading = Reading(consumer, kafka, ends, next, take, into.undecodable)
    await reading.to_the_end(patience)


@dataclass
class Reading:
    """Reads partitions from `next` to `ends`, also past record sets that the client cannot decode."""

    consumer: AIOKafkaConsumer
    kafka: KafkaAccess
    ends: Mapping[TopicPartition, int]
    next: dict[TopicPartition, int]
    """The next offset to read of each partition."""
    take: Callable[[TopicPartition, Iterable[RawRecord]], None]
    """Called with records before the end."""
    undecodable: list[str]

    @property
    def left(self) -> list[TopicPartition]:
        return [partition for partition, end in self.ends.items() if self.next[partition] < end]

    async def to_the_end(self, patience: float) -> None:
        """Raises StackError without progress for `patience` seconds."""
        moved = time.monotonic()
        while left := self.left:
            before = dict(self.next)
            await self.step(left)
            if self.next != before:
                moved = time.monotonic()
            elif time.monotonic() - moved > patience:
                raise StackError(f"the topics were not read to the end within {patience:.0f} s")

    async def step(self, left: Sequence[TopicPartition]) -> None:
        try:
            batches = await self.consumer.getmany(*left, timeout_ms=200, max_records=_RECORDS_MAX)
        except Exception as error:
            # The client cannot decode one of the partitions, and drops the records of the others.
            for partition in left:
                self.consumer.seek(partition, self.next[partition])
            if not await self._decode(left):
                raise error
            return
        for partition, batch in batches.items():
            self._take(partition, batch)
        for partition in left:
            self.next[partition] = await self.consumer.position(partition)

    async def _decode(self, left: Sequence[TopicPartition]) -> bool:
        """Decode the record sets that the client cannot, and skip undecodable ones. Returns whether any existed."""
        passed = False
        sets = await record_sets.fetch(self.kafka, {each: self.next[each] for each in left})
        for partition, data in sets.items():
            if record_sets.library_decodes(data):
                continue
            passed = True
            try:
                decoded = record_sets.decode(partition, data, self.next[partition])
            except CorruptRecordSet as undecodable:
                place = f"{partition.topic}/{partition.partition}@{undecodable.offset}"
                self.undecodable.append(f"{place} cannot be decoded: {undecodable.why}")
                self.next[partition] = max(undecodable.after, self.next[partition] + 1)
            else:
                self._take(partition, decoded.records)
                self.next[partition] = decoded.next
            self.consumer.seek(partition, self.next[partition])
        return passed

    def _take(self, partition: TopicPartition, batch: Iterable[RawRecord]) -> None:
        self.take(partition, takewhile(lambda raw: raw.offset < self.ends[partition], batch))


async def _partitions(kafka: KafkaAccess, topics: Iterable[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    for topic in described:
        if topic["error_code"]:
            raise StackError(f"the topic {topic['topic']} cannot be read ({for_code(topic['error_code']).__name__})")
    return [TopicPartition(topic["topic"], each["partition"]) for topic in described for each in topic["partitions"]]


def envelope_of(value: bytes | None) -> Envelope | None:
    """The envelope as consumers decode it. None for tombstones and for values that consumers quarantine."""
    if value is None:
        return None
    try:
        envelope = Envelope.model_validate_json(value)
        if not SUBJECT.fullmatch(envelope.subject):
            return None
        data_of(envelope)
    except KeyError:
        return envelope  # an unknown type
    except (ValueError, TypeError):
        return None
    return envelope
