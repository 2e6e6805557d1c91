"""Where a member of a consumer group reads each partition: the database says so, and notices when the log is another one."""

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
from chassis.postgres.connection import Connection

log = structlog.get_logger()

_OFFSET = attrgetter("offset")


class PartitionPositions:
    def __init__(self, group: str, topics: Sequence[str], pool: asyncpg.Pool, bootstrap: str) -> None:
        self._group, self.topics, self._pool, self._bootstrap = group, list(topics), pool, bootstrap
        self._logs: dict[str, str] = {}
        """The id of each topic when it was last looked at."""
        self._gaps: dict[TopicPartition, tuple[int, int]] = {}
        """Where a partition was sought to, and what came first: when the same comes again, the log has nothing between."""
        self._positions: dict[TopicPartition, Position] = {}
        """What is stored, as far as this member knows. Whoever moves from a position that is no longer stored is fenced."""
        self.seeks = 0
        """How often this member has sought, in any partition."""
        self._sought: dict[TopicPartition, int] = {}
        """Of each partition its last seek: what came before that says nothing of what lies there."""
        self._finding = asyncio.Lock()
        """One search at a time: what an earlier one saw of a log must not be written after a later one has."""

    async def known(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, Position]:
        """Where the group stands in those partitions whose log is the one that we know."""
        if missing := [partition for partition in partitions if partition not in self._positions]:
            async with self._pool.acquire() as connection:
                found = await offsets.stored(connection, self._group, missing)
            self._positions = found | self._positions
        at = {each: self._positions[each] for each in partitions if each in self._positions}
        return {each: position for each, position in at.items() if position.topic_id == self._logs.get(each.topic)}

    def moved(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Remembers what this member has stored."""
        self._positions.update(positions)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Somebody else may have moved there: the database is asked anew."""
        for partition in partitions:
            self._positions.pop(partition, None)

    async def find(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        """Seeks to where the group has read; to the beginning in a log that is new, or another one than was read.

        Raises whatever Kafka's or the database's faults raise.
        """
        ours = [partition for partition in partitions if partition in consumer.assignment()]
        if not ours:
            return
        async with self._finding:
            cluster = await topic_identity.cluster(self._bootstrap, self.topics)
            ends = await consumer.end_offsets(ours)
            async with self._pool.acquire() as connection:
                known = await offsets.stored(connection, self._group, ours)
                async with connection.transaction():  # a group that has begun a part would look as if it had read all
                    for partition in sorted(ours):
                        start = Position(0, cluster.id, cluster.topics[partition.topic])
                        await self._begin_anew(connection, partition, known.get(partition), start, ends[partition])
                known = await offsets.stored(connection, self._group, ours)
            self._logs = cluster.topics
            self._positions.update(known)
            for partition in ours:
                self._seek(consumer, partition, known[partition].next)

    async def find_again(self, consumer: AIOKafkaConsumer) -> None:
        """Looks whether topics were made anew under their old names, and begins those anew."""
        if not self._logs:
            return
        cluster = await topic_identity.cluster(self._bootstrap, self.topics)
        if changed := {topic for topic, id in cluster.topics.items() if self._logs.get(topic) != id}:
            await self.find(consumer, [each for each in consumer.assignment() if each.topic in changed])

    def follows(self, consumer: AIOKafkaConsumer, partition: TopicPartition, next: int, first: int, came: int) -> bool:
        """Whether nothing lies between what was read and the first record that came; seeks back when that is not certain.

        `came`: `seeks`, when the record came. A batch that was under way already, or is tried again, proves nothing.
        """
        if first <= next:
            return True
        if came < self._sought.get(partition, 0):
            return False
        if self._gaps.get(partition) == (next, first):
            return True
        self._gaps[partition] = (next, first)
        self._seek(consumer, partition, next)
        return False

    def measure(self, consumer: AIOKafkaConsumer, known: Mapping[TopicPartition, Position]) -> None:
        for partition, position in known.items():
            if partition in consumer.assignment() and (end := consumer.highwater(partition)) is not None:
                LAG.labels(self._group, partition.topic, partition.partition).set(max(0, end - position.next))

    def unmeasure(self, partitions: Iterable[TopicPartition]) -> None:
        """Partitions that were revoked show no lag: the one that stood here last would stay for ever."""
        for partition in partitions:
            with suppress(KeyError):
                LAG.remove(self._group, partition.topic, str(partition.partition))

    def _seek(self, consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> None:
        self.seeks += 1
        self._sought[partition] = self.seeks
        if partition in consumer.assignment():
            consumer.seek(partition, offset)

    async def _begin_anew(
        self, connection: Connection, partition: TopicPartition, known: Position | None, start: Position, end: int
    ) -> None:
        if known is not None and known.same_log(start) and known.next <= end:
            return
        if known is not None:
            RESTARTED.labels(self._group, partition.topic).inc()
            whereabouts = {"topic": partition.topic, "partition": partition.partition, "had_read": known.next, "end": end}
            log.error("consumer.log_replaced", group=self._group, **whereabouts)
        await offsets.begin(connection, self._group, partition, known, start, end)


class OffsetCommit:
    """Moves the offsets of a batch that begins at `known`, part by part, each part in its own transaction."""

    def __init__(
        self,
        group: str,
        records: Sequence[RawRecord],
        partitions: Mapping[TopicPartition, Sequence[RawRecord]],
        known: Mapping[TopicPartition, Position],
    ) -> None:
        """`partitions` are the same records, as `by_partition` returns them."""
        self._group, self._known, self._records, self._partitions = group, known, records, partitions

    @property
    def ends(self) -> dict[TopicPartition, Position]:
        """Where the group stands when the whole batch has been dealt with."""
        return {each: replace(self._known[each], next=came[-1].offset + 1) for each, came in self._partitions.items()}

    async def __call__(self, connection: Connection, records: Sequence[RawRecord]) -> None:
        if records is self._records:
            moves = {each: (self._known[each], came[-1].offset + 1) for each, came in self._partitions.items()}
        else:
            parts = by_partition(records).items()
            moves = {each: (self._before(each, came[0].offset), came[-1].offset + 1) for each, came in parts}
        await offsets.move(connection, self._group, moves)

    def _before(self, partition: TopicPartition, offset: int) -> Position:
        """Where the group stands when the turn comes to the record at `offset`."""
        known, came = self._known[partition], self._partitions[partition]
        index = bisect_left(came, offset, key=_OFFSET)
        return replace(known, next=came[index - 1].offset + 1) if index else known


def by_partition(records: Iterable[RawRecord]) -> dict[TopicPartition, list[RawRecord]]:
    """Each partition's records, in their order."""
    found = defaultdict[tuple[str, int], list[RawRecord]](list)
    for record in records:
        found[record.topic, record.partition].append(record)
    return {TopicPartition(*where): came for where, came in found.items()}
