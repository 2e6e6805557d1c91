"""The order in which events are relayed, and the cursor up to which they have been sent.

A sequence number is assigned before its transaction commits, so a reader of "all rows after the last number" skips rows that
commit late. The relay therefore reads in the order of transaction ids, and only rows below the high-water mark, which is the
lowest id of a running transaction: no row can appear there later. A transaction reads its streams before it takes its id, so a
stream's versions increase in this order too.
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

BACKLOG_MAX = 10_000
"""Number of unsent events among which the oldest is looked up. With more, the relay is late in any case."""

Ends = dict[str, dict[str, int]]
"""topic → partition → the next offset, for every partition that the relay has written to."""


@dataclass(frozen=True, slots=True, order=True)
class RelayPosition:
    epoch: int
    xid: int
    position: int


@dataclass(frozen=True, slots=True)
class Page:
    messages: tuple[Message, ...]
    last: RelayPosition
    """The position of the last event; for an empty page, of the event before it."""
    held_back: bool = False
    """Whether committed events follow that are above the high-water mark, because an older transaction is still open."""


async def read_page(connection: asyncpg.Connection, after: RelayPosition, limit: int) -> Page:
    """Read up to `limit` events after the position and below the high-water mark."""
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
    settled = list(takewhile(itemgetter("settled"), rows))  # ordered by xid, so none follows an unsettled one
    held_back = len(settled) < len(rows)
    if not settled:
        return Page((), after, held_back)
    messages = tuple(
        Message(row["topic"], record_key(row["merchant_id"], row["stream"]), row["value"], from_json(row["headers"]))
        for row in settled
    )
    last = settled[-1]
    return Page(messages, RelayPosition(last["epoch"], int(last["xid_text"]), last["position"]), held_back)


async def read_cursor(connection: asyncpg.Connection) -> tuple[RelayPosition, Ends]:
    row = await connection.fetchrow("SELECT epoch, xid::text, position, ends FROM relay")
    assert row is not None, "the migration inserts the row"
    return RelayPosition(row["epoch"], int(row["xid"]), row["position"]), json.loads(row["ends"])


async def move_cursor(connection: asyncpg.Connection, to: RelayPosition, ends: Mapping[str, Mapping[str, int]]) -> bool:
    """Move the cursor forward. False if it is already there or further."""
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


async def store_ends(connection: asyncpg.Connection, ends: Mapping[str, Mapping[str, int]]) -> None:
    await connection.execute("UPDATE relay SET ends = $1", json.dumps(ends))


@dataclass(frozen=True, slots=True)
class RelayProgress:
    """The relay's progress, by the database's clock."""

    now: datetime
    complete_until: datetime | None
    """Everything committed before this instant has been sent. None with BACKLOG_MAX or more unsent events."""
    oldest_unsent: datetime
    """When the oldest unsent message was recorded; `now` without one."""
    stuck_since: datetime | None
    """Since when the cursor has not moved although events are unsent; None without unsent events."""


async def read_progress(connection: asyncpg.Connection, sent: RelayPosition) -> RelayProgress:
    """Read the progress. `recorded_at` precedes the commit, so the oldest unsent `recorded_at` is a safe lower bound."""
    row = await connection.fetchrow(
        f"""
        SELECT now(), count(recorded_at) AS unsent,
               least(now(), min(recorded_at), (SELECT min(created_at) FROM outbox)) AS instant,
               CASE WHEN count(recorded_at) > 0 THEN greatest(min(recorded_at), (SELECT moved_at FROM relay)) END AS waits_since
        FROM (
            SELECT recorded_at FROM events WHERE (epoch, xid, position) > ($1, $2::text::xid8, $3) LIMIT {BACKLOG_MAX}
        ) AS event
        """,
        sent.epoch,
        str(sent.xid),
        sent.position,
    )
    assert row is not None, "an aggregate has a row"
    return RelayProgress(row["now"], row["instant"] if row["unsent"] < BACKLOG_MAX else None, row["instant"], row["waits_since"])


async def longest_writer(connection: asyncpg.Connection) -> str | None:
    """The backend with the oldest writing transaction, which holds back the high-water mark, as text for the log."""
    text: str | None = await connection.fetchval(
        """
        SELECT format('pid %s, %s, %s, since %s', pid, usename, application_name, xact_start) FROM pg_stat_activity
        WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1
        """
    )
    return text
