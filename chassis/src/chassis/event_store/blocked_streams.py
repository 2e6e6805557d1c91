"""The table `blocked_streams`: streams under review after a restore, and the lost events in their place in `events`.

All functions need the owner's connection. The services only read these tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.eventsourcing.event_store import Message
from chassis.eventsourcing.lost_events import LOST, RELEASED, UNDER_REVIEW, body_of
from chassis.outbox.states import headers_json
from chassis.postgres.connection import Connection

TOPIC_AHEAD = "topic ahead"
FORK = "fork"


class NotBlocked(LookupError):
    """The stream is not blocked, or has been released already."""


@dataclass(frozen=True, slots=True)
class BlockedStream:
    merchant_id: UUID
    stream: str
    kind: str
    """TOPIC_AHEAD or FORK."""
    store_version: int
    topic_version: int
    blocked_at: datetime | None = None
    released_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LostEvent:
    """An event of which only the public message is left."""

    merchant_id: UUID
    stream: str
    version: int
    event_id: UUID
    causation_id: UUID | None
    customer_id: UUID | None
    message: Message


async def block(connection: Connection, streams: Sequence[BlockedStream], lost: Sequence[LostEvent]) -> None:
    """Store the lost events and block the streams, in the caller's transaction. The relay sends the messages again."""
    await connection.execute("DROP TRIGGER IF EXISTS stream_blocked ON events")
    await connection.executemany(
        """
        INSERT INTO events (epoch, merchant_id, stream, version, event_id, name, schema, body, topic, headers, value)
        VALUES ((SELECT current_epoch()), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        [
            (
                each.merchant_id,
                each.stream,
                each.version,
                each.event_id,
                LOST,
                UNDER_REVIEW,
                body_of(each.causation_id, each.customer_id),
                each.message.topic,
                headers_json(each.message.headers),
                each.message.value,
            )
            for each in lost
        ],
    )
    await connection.executemany(
        """
        INSERT INTO blocked_streams (merchant_id, stream, kind, store_version, topic_version) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (merchant_id, stream) DO UPDATE
        SET kind = excluded.kind, store_version = excluded.store_version, topic_version = excluded.topic_version,
            blocked_at = now(), released_at = NULL, reason = NULL
        """,
        [(each.merchant_id, each.stream, each.kind, each.store_version, each.topic_version) for each in streams],
    )
    await _guard(connection)


async def release(connection: Connection, merchant_id: UUID, stream: str, reason: str) -> None:
    """Allow new events after the last known one, in the caller's transaction. The state stays without the lost events.

    Raises NotBlocked.
    """
    status = await connection.execute(
        """
        UPDATE blocked_streams SET released_at = now(), reason = $3
        WHERE merchant_id = $1 AND stream = $2 AND released_at IS NULL
        """,
        merchant_id,
        stream,
        reason,
    )
    if status != "UPDATE 1":
        raise NotBlocked(stream)
    await connection.execute(
        "UPDATE events SET schema = $3 WHERE merchant_id = $1 AND stream = $2 AND name = $4", merchant_id, stream, RELEASED, LOST
    )
    await connection.execute("DROP TRIGGER IF EXISTS stream_blocked ON events")
    await _guard(connection)


async def blocked_streams(connection: Connection) -> list[BlockedStream]:
    """All streams that were ever blocked, also released ones, in the order of their blocking."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, stream, kind, store_version, topic_version, blocked_at, released_at, reason FROM blocked_streams
        ORDER BY blocked_at, merchant_id, stream
        """
    )
    return [BlockedStream(*row) for row in rows]


async def _guard(connection: Connection) -> None:
    """Let the database refuse events of blocked streams. Without blocked streams an append costs nothing more."""
    if await connection.fetchval("SELECT EXISTS (SELECT FROM blocked_streams WHERE released_at IS NULL)"):
        await connection.execute(
            "CREATE TRIGGER stream_blocked BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse_blocked_stream()"
        )
