"""Reads a projection's topics into the schema beside the live one, with the code of the consumers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.decoding import Decoded, RawRecord, Received, RecordDecoder, Undecodable
from chassis.kafka_access import KafkaAccess
from chassis.postgres.connection import Connection
from chassis.projections.projector import Projector
from portalctl.local.errors import StackError
from portalctl.rebuild import shadow
from portalctl.rebuild.targets import RebuildTarget
from verify.topics import Reading

Offsets = Mapping[TopicPartition, int]
RebuildProgress = Callable[[int, int], None]
"""Called with the number of records read and their total."""


class ShadowReader:
    """`connection` has the target's schema as its search path."""

    def __init__(
        self, target: RebuildTarget, connection: Connection, consumer: AIOKafkaConsumer, kafka: KafkaAccess, patience: float
    ) -> None:
        assert target.consumer is not None
        assert target.rules is not None
        self._target, self._connection, self._consumer, self._kafka = target, connection, consumer, kafka
        self._patience, self._idle = patience, 0
        self._rules, erasable = target.rules, target.consumer.erasable_topics
        self._decoder = RecordDecoder(
            target.consumer.decode, target.rules.types, erasable, frozenset({target.rules.aggregate_kind})
        )

    async def read_to(self, live: Connection, progress: RebuildProgress = lambda _, __: None) -> None:
        """Read to the offsets of the live group. The records are committed batch by batch with their offsets."""
        targets = await live_offsets(live, self._target)
        stored = await self._stored()
        beginnings = await self._consumer.beginning_offsets(list(targets))
        next = {each: max(stored.get(each, 0), beginnings[each]) for each in targets}
        for partition, offset in next.items():
            self._consumer.seek(partition, offset)
        batch: list[RawRecord] = []
        undecodable: list[str] = []
        reading = Reading(self._consumer, self._kafka, targets, next, lambda _, records: batch.extend(records), undecodable)
        total = sum(max(0, end - beginnings[each]) for each, end in targets.items())
        while left := reading.left:
            before = dict(reading.next)
            await reading.step(left)
            if reading.next == before:
                self._wait(reading)
                continue
            self._idle = 0
            await self._apply(batch, live, {each: min(reading.next[each], targets[each]) for each in targets}, undecodable)
            batch.clear()
            undecodable.clear()
            progress(sum(min(reading.next[each], end) - beginnings[each] for each, end in targets.items()), total)

    def _wait(self, reading: Reading) -> None:
        """A step without records takes 0.2 s."""
        self._idle += 1
        if self._idle * 0.2 > self._patience:
            partitions = ", ".join(f"{each.topic}/{each.partition}@{reading.next[each]}" for each in reading.left)
            raise StackError(f"no record was read for {self._patience:.0f} s at {partitions}")

    async def _stored(self) -> dict[TopicPartition, int]:
        rows = await self._connection.fetch("SELECT topic, partition, next FROM offsets")
        return {TopicPartition(row["topic"], row["partition"]): row["next"] for row in rows}

    async def _apply(self, records: Sequence[RawRecord], live: Connection, next: Offsets, undecodable: Sequence[str]) -> None:
        uncounted = await shadow.quarantined(live, self._target)
        decoded = [self._decoded(record, uncounted) for record in records]
        async with self._connection.transaction():
            if not await self._fold(list(zip(records, decoded, strict=True)), uncounted):
                for one in zip(records, decoded, strict=True):
                    await self._fold_alone(*one, uncounted)
            read = {place: discarded for place, discarded in uncounted.items() if place in _places(records)}
            await self._connection.executemany(
                "INSERT INTO quarantine VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                [(*place, discarded) for place, discarded in read.items()],
            )
            await self._connection.executemany(
                "INSERT INTO failure VALUES ($1, $2) ON CONFLICT DO NOTHING",
                [tuple(line.split(" ", 1)) for line in undecodable],
            )
            await self._move(live, next)

    def _decoded(self, record: RawRecord, uncounted: Mapping[tuple[str, int, int], bool]) -> Decoded:
        """As the live group counted the record: an unsettled one in quarantine makes its document stale."""
        decoded = self._decoder.decode(record)
        if uncounted.get((record.topic, record.partition, record.offset)) is False and isinstance(decoded, Received):
            envelope = decoded.envelope
            return Undecodable("in quarantine", envelope.merchantid, envelope.subject, envelope.sequence)
        return decoded

    async def _fold(self, records: Sequence[tuple[RawRecord, Decoded]], uncounted: Mapping[tuple[str, int, int], bool]) -> bool:
        """False, with nothing written, if a record cannot be folded."""
        projector = Projector([self._rules])
        await projector.load(self._connection, [decoded for _, decoded in records])
        try:
            for index, (record, decoded) in enumerate(records):
                if uncounted.get((record.topic, record.partition, record.offset)):
                    projector.skip(index, decoded)
                else:
                    projector.fold(index, decoded)
        except Exception:
            return False
        await projector.save(self._connection)
        return True

    async def _fold_alone(self, record: RawRecord, decoded: Decoded, uncounted: Mapping[tuple[str, int, int], bool]) -> None:
        if await self._fold([(record, decoded)], uncounted):
            return
        place = f"{record.topic}/{record.partition}@{record.offset}"
        await self._connection.execute(
            "INSERT INTO failure VALUES ($1, $2) ON CONFLICT DO NOTHING", place, "the record cannot be folded"
        )

    async def _move(self, live: Connection, next: Offsets) -> None:
        """Store the offsets with the ids of the log that the live group reads."""
        assert self._target.consumer is not None
        rows = await live.fetch(
            "SELECT topic, partition, cluster_id, topic_id FROM public.offsets WHERE consumer_group = $1",
            self._target.consumer.group,
        )
        ids = {TopicPartition(row["topic"], row["partition"]): (row["cluster_id"], row["topic_id"]) for row in rows}
        await self._connection.executemany(
            """
            INSERT INTO offsets (consumer_group, topic, partition, cluster_id, topic_id, next, target)
            VALUES ('rebuild', $1, $2, $3, $4, $5, $5)
            ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET next = excluded.next
            """,
            [(each.topic, each.partition, *ids[each], offset) for each, offset in next.items()],
        )


async def live_offsets(connection: Connection, target: RebuildTarget) -> dict[TopicPartition, int]:
    """How far the live group has read the target's topics. Raises StackError if it has not started."""
    assert target.consumer is not None
    rows = await connection.fetch(
        "SELECT topic, partition, next FROM public.offsets WHERE consumer_group = $1 AND topic = ANY($2)",
        target.consumer.group,
        list(target.topics),
    )
    if not rows:
        raise StackError(f"{target.consumer.group} has not started to read {', '.join(target.topics)}: start the service first")
    return {TopicPartition(row["topic"], row["partition"]): row["next"] for row in rows}


async def same_logs(connection: Connection, target: RebuildTarget) -> bool:
    """Whether the rebuilt projection was read from the logs that the live group reads, and not past it."""
    assert target.consumer is not None
    other: Any = await connection.fetchval(
        f"""
        SELECT EXISTS (
            SELECT FROM {target.schema}.offsets AS rebuilt LEFT JOIN public.offsets AS live
                ON live.consumer_group = $1 AND (live.topic, live.partition) = (rebuilt.topic, rebuilt.partition)
            WHERE (live.cluster_id, live.topic_id) IS DISTINCT FROM (rebuilt.cluster_id, rebuilt.topic_id)
                OR rebuilt.next > live.next
        )
        """,
        target.consumer.group,
    )
    return not other


def _places(records: Iterable[RawRecord]) -> set[tuple[str, int, int]]:
    return {(record.topic, record.partition, record.offset) for record in records}
