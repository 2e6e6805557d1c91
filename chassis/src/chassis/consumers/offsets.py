"""How far each consumer group has read: in the database, moved in the transaction of what was read.

An offset means something in one log only: it is kept with the ids of the cluster and of the topic.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from chassis.postgres.connection import Connection


class Fenced(Exception):
    """The stored offset is not the one that the batch began at: another member of the group read these records."""


@dataclass(frozen=True, slots=True)
class Position:
    next: int
    """The offset of the first record that has not been handled."""
    cluster_id: str
    topic_id: str

    def same_log(self, other: "Position") -> bool:
        return (self.cluster_id, self.topic_id) == (other.cluster_id, other.topic_id)


async def stored(connection: Connection, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Position]:
    """What is stored of these partitions; without those that nobody of the group has read yet."""
    asked = list(partitions)
    rows = await connection.fetch(
        """
        SELECT topic, partition, next, cluster_id, topic_id
        FROM offsets JOIN unnest($2::text[], $3::int[]) AS asked (topic, partition) USING (topic, partition)
        WHERE consumer_group = $1
        """,
        group,
        [partition.topic for partition in asked],
        [partition.partition for partition in asked],
    )
    return {
        TopicPartition(row["topic"], row["partition"]): Position(row["next"], row["cluster_id"], row["topic_id"]) for row in rows
    }


async def move(connection: Connection, group: str, moves: Mapping[TopicPartition, tuple[Position, int]]) -> None:
    """Moves each partition from the position where the batch began to the next offset given, in the caller's transaction.

    Raises Fenced when one of them is no longer where the batch began.
    """
    rows = [
        (partition.topic, partition.partition, old.next, old.topic_id, old.cluster_id, next)
        for partition, (old, next) in sorted(moves.items())
    ]
    if not rows:
        return
    moved = await connection.execute(
        """
        UPDATE offsets SET next = given.next, moved_at = now()
        FROM unnest($2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::bigint[])
            AS given (topic, partition, old, topic_id, cluster_id, next)
        WHERE consumer_group = $1 AND offsets.topic = given.topic AND offsets.partition = given.partition
          AND offsets.next = given.old AND offsets.topic_id = given.topic_id AND offsets.cluster_id = given.cluster_id
        """,
        group,
        *zip(*rows, strict=True),
    )
    if moved != f"UPDATE {len(rows)}":
        raise Fenced(f"{group}: {moved} of {len(rows)}")


async def begin(
    connection: Connection, group: str, partition: TopicPartition, known: Position | None, start: Position, end: int
) -> None:
    """Starts a partition that nobody has read yet, or, where it still stands at `known`, anew in another log at `start`.

    `end` is the log's end. Whoever was quicker prevails.
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
    """Whether the group has not read all yet that was there when it began; None when it has not begun."""
    behind: bool | None = await connection.fetchval("SELECT bool_or(next < target) FROM offsets WHERE consumer_group = $1", group)
    return behind


async def caught_up(connection: Connection, group: str, topics: Sequence[str]) -> bool:
    """Whether the group has read each of the topics up to where it ended when reading began."""
    behind = await connection.fetchval(
        """
        SELECT count(*) FROM unnest($2::text[]) AS asked (topic) LEFT JOIN offsets
            ON offsets.topic = asked.topic AND consumer_group = $1
        WHERE coalesce(next < target, true)
        """,
        group,
        list(topics),
    )
    return bool(behind == 0)
