"""Write sets as one SQL statement, however many they are; and the reading of streams that goes before."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

import asyncpg
from pydantic_core import to_json

from chassis.eventsourcing.event_store import AlreadyAnswered, AlreadyHandled, StoredEvent, VersionConflict, WriteSet
from chassis.eventsourcing.stream import Stream
from chassis.outbox.states import headers_json
from chassis.postgres.connection import Connection

Row = tuple[Any, ...]
T = TypeVar("T")

MEANING: dict[str, type[Exception]] = {
    "events_version_taken": VersionConflict,
    "idempotency_answered": AlreadyAnswered,
    "inbox_handled": AlreadyHandled,
}
"""What the violation of a constraint says."""


async def read_on(connection: Connection, streams: Sequence[Stream]) -> dict[Stream, list[StoredEvent]]:
    """The events of every stream asked for, oldest first, in one query that locks nothing."""
    return dict(zip(streams, await read_since(connection, [(stream, 1) for stream in streams]), strict=True))


async def read_since(connection: Connection, asked: Sequence[tuple[Stream, int]]) -> list[list[StoredEvent]]:
    """For each (stream, version) asked for the events from that version on, in one query."""
    past: list[list[StoredEvent]] = [[] for _ in asked]
    rows = await connection.fetch(
        """
        SELECT asked.i, event.version, event.name, event.schema, event.body
        FROM unnest($1::uuid[], $2::text[], $3::int[]) WITH ORDINALITY AS asked (merchant_id, stream, since, i)
        CROSS JOIN LATERAL (
            SELECT version, name, schema, body FROM events
            WHERE events.merchant_id = asked.merchant_id AND events.stream = asked.stream AND version >= asked.since
            ORDER BY version
        ) AS event
        ORDER BY asked.i, event.version
        """,
        [stream.merchant_id for stream, _ in asked],
        [stream.name for stream, _ in asked],
        [since for _, since in asked],
    )
    for i, version, name, schema, body in rows:
        past[i - 1].append(StoredEvent(version, name, schema, body))
    return past


async def append_on(connection: Connection, write_sets: Sequence[WriteSet]) -> None:
    """Writes the sets in the caller's transaction, which must not take a transaction id before its streams were read.

    Sets of one stream follow each other by version; a timer is left as the last of them wants it. Raises
    VersionConflict, AlreadyAnswered or AlreadyHandled, after which the transaction can only be rolled back.
    """
    try:
        await insert(connection, write_sets)
    except asyncpg.UniqueViolationError as violation:
        if meaning := MEANING.get(violation.constraint_name or ""):
            raise meaning(violation.detail) from violation
        raise
    await run_statements(connection, write_sets)


async def run_statements(connection: Connection, write_sets: Sequence[WriteSet]) -> None:
    """Each set's statements in their order; what is the same SQL goes in one round trip."""
    wanted = ((number, each.sql, each.args) for number, write_set in enumerate(write_sets) for each in write_set.statements)
    for sql, rows in grouped(wanted):
        await run(connection, sql, rows)


async def run(connection: Connection, sql: str, rows: Sequence[Row]) -> None:
    """The statement with each row's arguments, in one round trip."""
    if len(rows) == 1:
        await connection.execute(sql, *rows[0])
    else:
        await connection.executemany(sql, rows)


def grouped(wanted: Iterable[tuple[Hashable, str, T]]) -> list[tuple[str, list[T]]]:
    """Groups of the same SQL out of (whose, SQL, anything), in which everyone's keep their order.

    What is nobody's, None, comes after all that precedes it, and before all that follows.
    """
    groups: list[tuple[str, list[T]]] = []
    newest: dict[str, int] = {}
    """The last group of each SQL."""
    reached: dict[Hashable, int] = {}
    """The group in which the last one of each is."""
    floor = 0
    for whose, sql, row in wanted:
        least = len(groups) if whose is None else reached.get(whose, floor)
        place = newest.get(sql, -1)
        if place < max(least, floor):
            place = newest[sql] = len(groups)
            groups.append((sql, []))
        groups[place][1].append(row)
        reached[whose] = place
        if whose is None:
            floor = len(groups)
    return groups


async def insert(connection: Connection, write_sets: Sequence[WriteSet]) -> None:
    """Everything of the sets but their statements, in one statement. Raises asyncpg.UniqueViolationError."""
    written = [(part, rows) for part in _PARTS if (rows := part.rows(write_sets))]
    if written:
        parts, arrays = zip(*written, strict=True)
        await connection.execute(_statement(parts), *arrays)


@dataclass(frozen=True, slots=True)
class _Part:
    """A table's share of a write. The rows are sorted: two writers that lock in different orders would deadlock."""

    rows: Callable[[Sequence[WriteSet]], list[Row]]
    kind: str
    """The composite type of a row: an array of rows takes half of what an array per column takes to encode."""
    sql: str


@cache
def _statement(parts: tuple[_Part, ...]) -> str:
    """Takes an array of rows per part."""
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
    kept = [write_set.answer for write_set in write_sets if write_set.answer]
    rows = [
        (key.merchant_id, key.subject, key.route, key.key, key.fingerprint, answer.status, to_json(answer.body).decode())
        for key, answer in kept
    ]
    return sorted(rows)


def _inbox(write_sets: Sequence[WriteSet]) -> list[Row]:
    return sorted(handled for write_set in write_sets for handled in write_set.inbox)


def _timers(write_sets: Sequence[WriteSet]) -> list[Row]:
    """(merchant, kind, id, name, due or None), one row per timer: the last word counts."""
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
