"""The positions of a member's partitions: reads stored offsets, seeks to them, and detects recreated topics."""

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from operator import attrgetter

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.consumers import offsets, topic_identity
from chassis.consumers.metrics import LAG, RESTARTED
from chassis.consumers.offsets import Position
from chassis.decoding import RawRecord
from chassis.kafka_access import KafkaAccess
from chassis.postgres.connection import Connection

log = structlog.get_logger()

_OFFSET = attrgetter("offset")


class PartitionPositions:
    def __init__(self, group: str, topics: Sequence[str], pool: asyncpg.Pool, kafka: KafkaAccess) -> None:
        self._group, self.topics, self._pool, self._kafka = group, list(topics), pool, kafka
        self._topic_ids: dict[str, str] = {}
        """By topic, when Kafka was last queried."""
        self._gaps: dict[TopicPartition, tuple[int, int]] = {}
        """(offset of the last seek, first record after it). The same pair after another seek proves that the log has a gap."""
        self._positions: dict[TopicPartition, Position] = {}
        """The stored positions as far as this member knows them. An offset commit from an outdated one is fenced."""
        self.seeks = 0
        """The number of seeks of this member in all partitions."""
        self._last_seek: dict[TopicPartition, int] = {}
        """By partition, the value of `seeks`. Records fetched before it prove nothing about a gap."""
        self._seek_lock = asyncio.Lock()
        """Serializes seeks, so that an outdated view of a log is never stored after a newer one."""

    async def stored(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, Position]:
        """The group's positions in these partitions; without partitions of recreated topics."""
        if missing := [partition for partition in partitions if partition not in self._positions]:
            async with self._pool.acquire() as connection:
                loaded = await offsets.stored(connection, self._group, missing)
            self._positions = loaded | self._positions
        known = {each: self._positions[each] for each in partitions if each in self._positions}
        return {each: position for each, position in known.items() if position.topic_id == self._topic_ids.get(each.topic)}

    def update(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Remember the positions that this member has stored."""
        self._positions.update(positions)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Read these positions from the database again: another member may have moved them."""
        for partition in partitions:
            self._positions.pop(partition, None)

    async def seek_to_stored(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        """Seek to the stored offsets; to the beginning if the partition is new or its topic was recreated or truncated.

        Raises the errors of Kafka and PostgreSQL.
        """
        ours = [partition for partition in partitions if partition in consumer.assignment()]
        if not ours:
            return
        async with self._seek_lock:
            cluster = await topic_identity.cluster(self._kafka, self.topics)
            ends = await consumer.end_offsets(ours)
            async with self._pool.acquire() as connection:
                known = await offsets.stored(connection, self._group, ours)
                async with connection.transaction():  # with only some partitions stored, the group would look caught up
                    for partition in sorted(ours):
                        start = Position(0, cluster.id, cluster.topics[partition.topic])
                        await self._start_if_new(connection, partition, known.get(partition), start, ends[partition])
                known = await offsets.stored(connection, self._group, ours)
            self._topic_ids = cluster.topics
            self._positions.update(known)
            for partition in ours:
                self._seek(consumer, partition, known[partition].next)

    async def seek_recreated_topics(self, consumer: AIOKafkaConsumer) -> None:
        """Restart the partitions of topics that were recreated under the same name."""
        if not self._topic_ids:
            return
        cluster = await topic_identity.cluster(self._kafka, self.topics)
        if changed := {topic for topic, id in cluster.topics.items() if self._topic_ids.get(topic) != id}:
            await self.seek_to_stored(consumer, [each for each in consumer.assignment() if each.topic in changed])

    def is_contiguous(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, next: int, first: int, seeks_at_fetch: int
    ) -> bool:
        """Whether no record lies between the stored offset `next` and the fetched offset `first`; if unsure, seek back.

        `seeks_at_fetch`: the value of `seeks` when the records arrived. Records fetched before the last seek prove nothing.
        """
        if first <= next:
            return True
        if seeks_at_fetch < self._last_seek.get(partition, 0):
            return False
        if self._gaps.get(partition) == (next, first):
            return True
        self._gaps[partition] = (next, first)
        self._seek(consumer, partition, next)
        return False

    def update_lag(self, consumer: AIOKafkaConsumer, positions: Mapping[TopicPartition, Position]) -> None:
        for partition, position in positions.items():
            if partition in consumer.assignment() and (end := consumer.highwater(partition)) is not None:
                LAG.labels(self._group, partition.topic, partition.partition).set(max(0, end - position.next))

    def remove_lag(self, partitions: Iterable[TopicPartition]) -> None:
        """Remove the gauges of revoked partitions: their last value would stay for ever."""
        for partition in partitions:
            with suppress(KeyError):
                LAG.remove(self._group, partition.topic, str(partition.partition))

    def _seek(self, consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> None:
        self.seeks += 1
        self._last_seek[partition] = self.seeks
        if partition in consumer.assignment():
            consumer.seek(partition, offset)

    async def _start_if_new(
        self, connection: Connection, partition: TopicPartition, known: Position | None, start: Position, end: int
    ) -> None:
        if known is not None and known.same_log(start) and known.next <= end:
            return
        if known is not None:
            RESTARTED.labels(self._group, partition.topic).inc()
            location = {"topic": partition.topic, "partition": partition.partition, "stored_offset": known.next, "end": end}
            log.error("consumer.log_replaced", group=self._group, **location)
        await offsets.begin(connection, self._group, partition, known, start, end)


class OffsetCommit:
    """Moves the stored offsets of a batch from `positions`. Each part of the batch has its own transaction."""

    def __init__(
        self,
        group: str,
        records: Sequence[RawRecord],
        partitions: Mapping[TopicPartition, Sequence[RawRecord]],
        positions: Mapping[TopicPartition, Position],
    ) -> None:
        """`partitions` are the same records, as returned by `by_partition`."""
        self._group, self._positions, self._records, self._partitions = group, positions, records, partitions

    @property
    def ends(self) -> dict[TopicPartition, Position]:
        """The group's positions after the whole batch."""
        return {each: replace(self._positions[each], next=those[-1].offset + 1) for each, those in self._partitions.items()}

    async def __call__(self, connection: Connection, records: Sequence[RawRecord]) -> None:
        if records is self._records:
            moves = {each: (self._positions[each], those[-1].offset + 1) for each, those in self._partitions.items()}
        else:
            parts = by_partition(records).items()
            moves = {each: (self._before(each, those[0].offset), those[-1].offset + 1) for each, those in parts}
        await offsets.move(connection, self._group, moves)

    def _before(self, partition: TopicPartition, offset: int) -> Position:
        """The group's position after the batch's records before `offset`."""
        position, records = self._positions[partition], self._partitions[partition]
        index = bisect_left(records, offset, key=_OFFSET)
        return replace(position, next=records[index - 1].offset + 1) if index else position


def by_partition(records: Iterable[RawRecord]) -> dict[TopicPartition, list[RawRecord]]:
    """Records by partition, in their order."""
    partitions = defaultdict[tuple[str, int], list[RawRecord]](list)
    for record in records:
        partitions[record.topic, record.partition].append(record)
    return {TopicPartition(*key): those for key, those in partitions.items()}
