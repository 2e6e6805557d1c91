"""The order in which events are relayed, and how far that has come.

Events are numbered before they are committed, so that a reader of "everything after the last number" skips what commits
late. Here the order is that of transaction ids, and only those below every transaction still running are read: what is
there is all that there will ever be. A transaction that appends reads its streams before it takes its id, so that a
stream's versions rise in this order too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from operator import itemgetter

import asyncpg
from pydantic_core import from_json

from billing_contracts.envelope import record_key
from chassis.eventsourcing.event_store import Message

BACKLOG = 10_000
"""Events behind which nobody looks for the oldest: then it is late anyway."""

Ends = dict[str, dict[str, int]]
"""The next offset of each partition written to, by topic and partition."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    epoch: int
    xid: int
    position: int


@dataclass(frozen=True, slots=True)
class Page:
    messages: tuple[Message, ...]
    last: Position
    """Of its last event; of the event before the page when it is empty."""
    held_back: bool = False
    """Whether committed events followed that were not read yet, because a transaction that began before them was open."""


async def read_page(connection: asyncpg.Connection, after: Position, limit: int) -> Page:
    rows = await connection.fetch(
        """
        SELECT epoch, xid::text AS xid_text, position, merchant_id, stream, topic, headers, value,
               epoch < (SELECT current_epoch()) OR xid < pg_snapshot_xmin(pg_current_snapshot()) AS settled
        FROM events WHERE (epoch, xid, position) > ($1, $2::text::xid8, $3)
        ORDER BY epoch, xid, position
        LIMIT $4
        """,
        after.epoch,
        str(after.xid),
        after.position,
        limit,
    )
    settled = list(takewhile(itemgetter("settled"), rows))  # none that follows one which is not: the order is that of the xids
    held_back = len(settled) < len(rows)
    if not settled:
        return Page((), after, held_back)
    messages = tuple(
        Message(row["topic"], record_key(row["merchant_id"], row["stream"]), row["value"], from_json(row["headers"]))
        for row in settled
    )
    last = settled[-1]
    return Page(messages, Position(last["epoch"], int(last["xid_text"]), last["position"]), held_back)


async def read_cursor(connection: asyncpg.Connection) -> tuple[Position, Ends]:
    row = await connection.fetchrow("SELECT epoch, xid::text, position, ends FROM relay")
    assert row is not None, "the migration made the row"
    return Position(row["epoch"], int(row["xid"]), row["position"]), json.loads(row["ends"])


async def move_cursor(connection: asyncpg.Connection, to: Position, ends: Mapping[str, Mapping[str, int]]) -> bool:
    """Forward only: False when it is there, or further, already."""
    status = await connection.execute(
        """
        UPDATE relay SET epoch = $1, xid = $2::text::xid8, position = $3, ends = $4, moved_at = now()
        WHERE (epoch, xid, position) < ($1, $2::text::xid8, $3)
        """,
        to.epoch,
        str(to.xid),
        to.position,
        json.dumps(ends),
    )
    return status == "UPDATE 1"


async def keep_ends(connection: asyncpg.Connection, ends: Mapping[str, Mapping[str, int]]) -> None:
    await connection.execute("UPDATE relay SET ends = $1", json.dumps(ends))


@dataclass(frozen=True, slots=True)
class Progress:
    """By the database's wall clock."""

    now: datetime
    complete_until: datetime | None
    """All that was committed until then has been sent; None when too much has not been sent to look through."""
    oldest: datetime
    """When the oldest message that has not been sent was recorded; now, when there is none."""
    waits_since: datetime | None
    """Since when something has been waiting without the cursor moving; None when nothing waits."""


async def read_progress(connection: asyncpg.Connection, sent: Position) -> Progress:
    """What is committed and not sent was committed after it was recorded."""
    row = await connection.fetchrow(
        f"""
        SELECT now(), count(recorded_at) AS unsent,
               least(now(), min(recorded_at), (SELECT min(created_at) FROM outbox)) AS instant,
               CASE WHEN count(recorded_at) > 0 THEN greatest(min(recorded_at), (SELECT moved_at FROM relay)) END AS waits_since
        FROM (
            SELECT recorded_at FROM events WHERE (epoch, xid, position) > ($1, $2::text::xid8, $3) LIMIT {BACKLOG}
        ) AS event
        """,
        sent.epoch,
        str(sent.xid),
        sent.position,
    )
    assert row is not None, "an aggregate has a row"
    return Progress(row["now"], row["instant"] if row["unsent"] < BACKLOG else None, row["instant"], row["waits_since"])


async def longest_writer(connection: asyncpg.Connection) -> str | None:
    """The backend whose transaction has written for longest, and so holds the cursor up: for an operator to read."""
    text: str | None = await connection.fetchval(
        """
        SELECT format('pid %s, %s, %s, since %s', pid, usename, application_name, xact_start) FROM pg_stat_activity
        WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1
        """
    )
    return text
