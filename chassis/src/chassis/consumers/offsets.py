"""The table `offsets`: the position of each consumer group, moved in the transaction of the batch's effects.

An offset is valid for one log only, so it is stored with the ids of the cluster and the topic.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from chassis.postgres.connection import Connection


class Fenced(Exception):
    """The stored offset is not where the batch starts: another member of the group has processed these records."""


@dataclass(frozen=True, slots=True)
class Position:
    next: int
    """The offset of the first record that has not been handled."""
    cluster_id: str
    topic_id: str

    def same_log(self, other: "Position") -> bool:
        return (self.cluster_id, self.topic_id) == (other.cluster_id, other.topic_id)


async def stored(connection: Connection, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Position]:
    """The group's positions; without partitions that the group has not started."""
    requested = list(partitions)
    rows = await connection.fetch(
        """
        SELECT topic, partition, next, cluster_id, topic_id
        FROM offsets JOIN unnest($2::text[], $3::int[]) AS requested (topic, partition) USING (topic, partition)
        WHERE consumer_group = $1
        """,
        group,
        [partition.topic for partition in requested],
        [partition.partition for partition in requested],
    )
    return {
        TopicPartition(row["topic"], row["partition"]): Position(row["next"], row["cluster_id"], row["topic_id"]) for row in rows
    }


async def move(connection: Connection, group: str, moves: Mapping[TopicPartition, tuple[Position, int]]) -> None:
    """Move each partition from its old position to a new offset by compare-and-set, in the caller's transaction.

    Raises Fenced if the stored position of a partition is not the old one.
    """
    rows = [
        (partition.topic, partition.partition, old.next, old.topic_id, old.cluster_id, next)
        for partition, (old, next) in sorted(moves.items())
    ]
    if not rows:
        return
    status = await connection.execute(
        """
        UPDATE offsets SET next = moved.next, moved_at = now()
        FROM unnest($2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::bigint[])
            AS moved (topic, partition, old, topic_id, cluster_id, next)
        WHERE consumer_group = $1 AND offsets.topic = moved.topic AND offsets.partition = moved.partition
          AND offsets.next = moved.old AND offsets.topic_id = moved.topic_id AND offsets.cluster_id = moved.cluster_id
        """,
        group,
        *zip(*rows, strict=True),
    )
    if status != f"UPDATE {len(rows)}":
        raise Fenced(f"{group}: {status} of {len(rows)}")


async def begin(
    connection: Connection, group: str, partition: TopicPartition, known: Position | None, start: Position, end: int
) -> None:
    """Store `start` for a new partition, or for a replaced log if the position is still `known`.

    `end` is the log's end. If another member stores a position first, that one stays.
    """
    identity = (group, partition.topic, partition.partition, start.cluster_id, start.topic_id, start.next, end)
    if known is None:
        await connection.execute(
            """
            INSERT INTO offsets (consumer_group, topic, partition, cluster_id, topic_id, next, target)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
            """,
            *identity,
        )
        return
    await connection.execute(
        """
        UPDATE offsets SET cluster_id = $4, topic_id = $5, next = $6, target = $7, moved_at = now()
        WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND (cluster_id, topic_id, next) = ($8, $9, $10)
        """,
        *identity,
        known.cluster_id,
        known.topic_id,
        known.next,
    )


async def still_behind(connection: Connection, group: str) -> bool | None:
    """Whether the group has not reached the log ends of its start yet; None if it has not started."""
    behind: bool | None = await connection.fetchval("SELECT bool_or(next < target) FROM offsets WHERE consumer_group = $1", group)
    return behind


async def caught_up(connection: Connection, group: str, topics: Sequence[str]) -> bool:
    """Whether the group has reached the log ends of its start in all of the topics."""
    behind = await connection.fetchval(
        """
        SELECT count(*) FROM unnest($2::text[]) AS requested (topic) LEFT JOIN offsets
            ON offsets.topic = requested.topic AND consumer_group = $1
        WHERE coalesce(next < target, true)
        """,
        group,
        list(topics),
    )
    return bool(behind == 0)
