"""The SQL of the event store: write any number of write sets with one statement, and read streams."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

import asyncpg
from pydantic_core import to_json

from chassis.eventsourcing.event_store import AlreadyAnswered, AlreadyHandled, StoredEvent, VersionConflict, WriteSet
from chassis.eventsourcing.lost_events import CONSTRAINT, StreamBlocked
from chassis.eventsourcing.stream import Stream
from chassis.outbox.states import headers_json
from chassis.postgres.connection import Connection

Row = tuple[Any, ...]
T = TypeVar("T")

CONFLICTS: dict[str, type[Exception]] = {
    "events_version_taken": VersionConflict,
    "idempotency_answered": AlreadyAnswered,
    "inbox_handled": AlreadyHandled,
}
"""The exception for a violation of each unique constraint."""


async def read_streams(connection: Connection, streams: Sequence[Stream]) -> dict[Stream, list[StoredEvent]]:
    """The events of every given stream, oldest first, in one query without locks."""
    return dict(zip(streams, await read_since(connection, [(stream, 1) for stream in streams]), strict=True))


async def read_since(connection: Connection, requests: Sequence[tuple[Stream, int]]) -> list[list[StoredEvent]]:
    """For each requested (stream, version) the events from that version on, in one query."""
    events: list[list[StoredEvent]] = [[] for _ in requests]
    rows = await connection.fetch(
        """
        SELECT requested.i, event.version, event.name, event.schema, event.body
        FROM unnest($1::uuid[], $2::text[], $3::int[]) WITH ORDINALITY AS requested (merchant_id, stream, since, i)
        CROSS JOIN LATERAL (
            SELECT version, name, schema, body FROM events
            WHERE events.merchant_id = requested.merchant_id AND events.stream = requested.stream AND version >= requested.since
            ORDER BY version
        ) AS event
        ORDER BY requested.i, event.version
        """,
        [stream.merchant_id for stream, _ in requests],
        [stream.name for stream, _ in requests],
        [since for _, since in requests],
    )
    for i, version, name, schema, body in rows:
        events[i - 1].append(StoredEvent(version, name, schema, body))
    return events


async def append_write_sets(connection: Connection, write_sets: Sequence[WriteSet]) -> None:
    """Write the sets in the caller's transaction. It must read its streams before it takes a transaction id (outbox/cursor.py).

    Sets of one stream have consecutive versions; the last set decides about a timer. Raises VersionConflict, AlreadyAnswered,
    AlreadyHandled or StreamBlocked, after which the transaction can only be rolled back.
    """
    try:
        await insert(connection, write_sets)
    except asyncpg.UniqueViolationError as violation:
        if conflict := CONFLICTS.get(violation.constraint_name or ""):
            raise conflict(violation.detail) from violation
        raise
    except asyncpg.CheckViolationError as violation:
        raise refusal_of(violation) from violation
    await run_statements(connection, write_sets)


TAKEN = "_taken"
"""The end of the names of unique constraints on a service's own tables that mean a conflict: another writer has taken the value
that the decision had read as free."""


def refusal_of(error: Exception) -> Exception:
    """StreamBlocked for the error of the trigger on `events`, VersionConflict for a TAKEN value; other errors unchanged."""
    if isinstance(error, asyncpg.CheckViolationError) and error.constraint_name == CONSTRAINT:
        return StreamBlocked(str(error))
    if isinstance(error, asyncpg.UniqueViolationError) and (error.constraint_name or "").endswith(TAKEN):
        return VersionConflict(error.detail)
    return error


async def run_statements(connection: Connection, write_sets: Sequence[WriteSet]) -> None:
    """Run each set's statements in their order; statements with the same SQL share a round trip."""
    statements = ((number, each.sql, each.args) for number, write_set in enumerate(write_sets) for each in write_set.statements)
    for sql, rows in grouped(statements):
        await run(connection, sql, rows)


async def run(connection: Connection, sql: str, rows: Sequence[Row]) -> None:
    """Run the statement once per row of arguments, in one round trip."""
    if len(rows) == 1:
        await connection.execute(sql, *rows[0])
    else:
        await connection.executemany(sql, rows)


def grouped(statements: Iterable[tuple[Hashable, str, T]]) -> list[tuple[str, list[T]]]:
    """Group (owner, SQL, row) by SQL. The statements of each owner keep their order.

    A statement with the owner None runs after all earlier ones and before all later ones.
    """
    groups: list[tuple[str, list[T]]] = []
    last_group_of_sql: dict[str, int] = {}
    last_group_of_owner: dict[Hashable, int] = {}
    first_open_group = 0
    for owner, sql, row in statements:
        group_min = len(groups) if owner is None else last_group_of_owner.get(owner, first_open_group)
        group = last_group_of_sql.get(sql, -1)
        if group < max(group_min, first_open_group):
            group = last_group_of_sql[sql] = len(groups)
            groups.append((sql, []))
        groups[group][1].append(row)
        last_group_of_owner[owner] = group
        if owner is None:
            first_open_group = len(groups)
    return groups


async def insert(connection: Connection, write_sets: Sequence[WriteSet]) -> None:
    """Write the sets, except for their statements, with one SQL statement. Raises asyncpg.UniqueViolationError."""
    parts_and_rows = [(part, rows) for part in _PARTS if (rows := part.rows(write_sets))]
    if parts_and_rows:
        parts, arrays = zip(*parts_and_rows, strict=True)
        await connection.execute(_statement(parts), *arrays)


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one table. They are sorted, because two writers that lock in different orders could deadlock."""

    rows: Callable[[Sequence[WriteSet]], list[Row]]
    kind: str
    """The composite type of a row. Encoding an array of rows takes half the time of an array per column."""
    sql: str


@cache
def _statement(parts: tuple[_Part, ...]) -> str:
    """The statement that inserts all parts. Its parameters are one array of rows per part."""
    inserts = (part.sql.format(rows=f"unnest(${number}::{part.kind}[])") for number, part in enumerate(parts, 1))
    return f"WITH {', '.join(f'part_{number} AS ({sql})' for number, sql in enumerate(inserts))} SELECT"


def _events(write_sets: Sequence[WriteSet]) -> list[Row]:
    rows = [
        (
            event.stream.merchant_id,
            event.stream.name,
            event.version,
            event.event_id,
            event.name,
            event.schema,
            event.body,
            event.message.topic,
            headers_json(event.message.headers),
            event.message.value,
        )
        for write_set in write_sets
        for append in write_set.appends
        for event in append.events
    ]
    return sorted(rows, key=itemgetter(1, 0, 2))


def _answers(write_sets: Sequence[WriteSet]) -> list[Row]:
    answers = [write_set.answer for write_set in write_sets if write_set.answer]
    rows = [
        (key.merchant_id, key.subject, key.route, key.key, key.fingerprint, answer.status, to_json(answer.body).decode())
        for key, answer in answers
    ]
    return sorted(rows)


def _inbox(write_sets: Sequence[WriteSet]) -> list[Row]:
    return sorted(row for write_set in write_sets for row in write_set.inbox)


def _timers(write_sets: Sequence[WriteSet]) -> list[Row]:
    """(merchant, kind, id, name, due_at or None to delete), one row per timer: the last write set decides."""
    last: dict[tuple[Stream, str], Any] = {}
    for write_set in write_sets:
        for stream, name in write_set.clear_timers:
            last[stream, name] = None
        for timer in write_set.set_timers:
            last[timer.stream, timer.name] = timer.due_at
    return [(s.merchant_id, s.kind, s.id, name, due) for (s, name), due in sorted(last.items(), key=lambda item: item[0])]


_PARTS = (
    _Part(
        _events,
        "written_event",
        """
        INSERT INTO events (epoch, merchant_id, stream, version, event_id, name, schema, body, topic, headers, value)
        SELECT (SELECT current_epoch()), * FROM {rows}
        """,
    ),
    _Part(
        _answers,
        "written_answer",
        """
        INSERT INTO idempotency (merchant_id, subject, route, key, fingerprint, status, answer)
        SELECT * FROM {rows}
        """,
    ),
    _Part(
        _inbox,
        "written_inbox",
        "INSERT INTO inbox (consumer_group, event_id) SELECT * FROM {rows}",
    ),
    _Part(
        lambda write_sets: [row for row in _timers(write_sets) if row[-1] is not None],
        "written_timer",
        """
        INSERT INTO timers (merchant_id, kind, id, name, due_at) SELECT * FROM {rows}
        ON CONFLICT (merchant_id, kind, id, name) DO UPDATE SET due_at = excluded.due_at, leased_until = NULL
        """,
    ),
    _Part(
        lambda write_sets: [row for row in _timers(write_sets) if row[-1] is None],
        "written_timer",
        """
        DELETE FROM timers USING {rows} AS gone
        WHERE timers.merchant_id = gone.merchant_id AND timers.kind = gone.kind
          AND timers.id = gone.id AND timers.name = gone.name
        """,
    ),
)
