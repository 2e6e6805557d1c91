"""Group commit: the write sets of concurrent callers are written together. Conflicting sets are taken out and refused alone.

Without statements on the service's own tables the group is one SQL statement; with them it is one transaction.
"""

from collections.abc import Hashable, Iterable, Sequence

import asyncpg

from chassis.event_store.write_sets import CONFLICTS, insert, refusal_of, run_statements
from chassis.eventsourcing.event_store import VersionConflict, WriteSet
from chassis.postgres.connection import Connection
from chassis.runtime.faults import is_transient

Result = Exception | None
"""Why a write set was not written, or None for a written one."""


async def commit(connection: Connection, write_sets: Sequence[WriteSet]) -> list[Result]:
    """Write every set that can be written; the results are in the order of the sets. Safe to repeat with the same sets when the
    outcome of an earlier call is unknown.

    Raises transient faults, which concern all sets: a lost connection, a lock timeout.
    """
    results: list[Result] = [None] * len(write_sets)
    remaining: list[int] = []
    seen: set[Hashable] = set()
    for i, write_set in enumerate(write_sets):
        if seen.isdisjoint(claims := set(_claims(write_set))):
            remaining.append(i)
            seen |= claims
        else:
            results[i] = VersionConflict("another write set of the same group claims the same stream or key")
    while remaining:
        try:
            await _write(connection, [write_sets[i] for i in remaining])
            return results
        except Exception as error:
            if is_transient(error):
                raise
            conflicts = (
                await _conflicts(connection, write_sets, remaining) if isinstance(error, asyncpg.UniqueViolationError) else {}
            )
            if not conflicts and len(remaining) == 1:
                conflicts = {remaining[0]: refusal_of(error)}
            if not conflicts:
                # The content of an unidentified set is at fault: write each set alone.
                for i in remaining:
                    results[i], *_ = await commit(connection, [write_sets[i]])
                return results
            for i, result in conflicts.items():
                results[i] = result
                remaining.remove(i)
    return results


async def _write(connection: Connection, write_sets: Sequence[WriteSet]) -> None:
    if any(write_set.statements for write_set in write_sets):
        async with connection.transaction():
            await insert(connection, write_sets)
            await run_statements(connection, write_sets)
    else:
        await insert(connection, write_sets)


def _claims(write_set: WriteSet) -> Iterable[Hashable]:
    """The streams, idempotency keys and inbox ids of a set. No other set of the same group may have one of them."""
    for append in write_set.appends:
        yield append.stream
    if write_set.answer:
        key, _ = write_set.answer
        yield key.merchant_id, key.subject, key.route, key.key
    yield from write_set.inbox


async def _conflicts(connection: Connection, write_sets: Sequence[WriteSet], remaining: Iterable[int]) -> dict[int, Result]:
    """Read in one query which sets conflict with stored rows. A set with a stored event of its own was written before: None."""
    appends = [(i, append) for i in remaining for append in write_sets[i].appends]
    answers = [(i, answer[0]) for i in remaining if (answer := write_sets[i].answer)]
    inbox = [(i, *handled) for i in remaining for handled in write_sets[i].inbox]
    rows = await connection.fetch(
        """
        SELECT i, 'events_version_taken' AS taken, events.event_id = requested.event_id AS ours
        FROM unnest($1::int[], $2::uuid[], $3::text[], $4::int[], $5::uuid[])
             AS requested (i, merchant_id, stream, version, event_id)
        JOIN events USING (merchant_id, stream, version)
        UNION ALL
        SELECT i, 'inbox_handled', false
        FROM unnest($6::int[], $7::text[], $8::uuid[]) AS requested (i, consumer_group, event_id)
        JOIN inbox USING (consumer_group, event_id)
        UNION ALL
        SELECT i, 'idempotency_answered', false
        FROM unnest($9::int[], $10::uuid[], $11::text[], $12::text[], $13::text[])
             AS requested (i, merchant_id, subject, route, key)
        JOIN idempotency USING (merchant_id, subject, route, key)
        """,
        [i for i, _ in appends],
        [append.stream.merchant_id for _, append in appends],
        [append.stream.name for _, append in appends],
        [append.expected + 1 for _, append in appends],
        [append.events[0].event_id for _, append in appends],
        [i for i, _, _ in inbox],
        [group for _, group, _ in inbox],
        [event_id for _, _, event_id in inbox],
        [i for i, _ in answers],
        [key.merchant_id for _, key in answers],
        [key.subject for _, key in answers],
        [key.route for _, key in answers],
        [key.key for _, key in answers],
    )
    # A stored answer takes precedence over a taken version, so it comes last.
    conflicts: dict[int, Result] = {row["i"]: CONFLICTS[row["taken"]]() for row in rows}
    return conflicts | dict.fromkeys((row["i"] for row in rows if row["ours"]), None)
