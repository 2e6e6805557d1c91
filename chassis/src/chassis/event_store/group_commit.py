"""The write sets of concurrent callers, committed as one: who is in the way of others is taken out.

They are one statement; where sets bring rows of the service's own tables, one transaction of it and theirs.
"""

from collections.abc import Hashable, Iterable, Sequence

import asyncpg

from chassis.event_store.write_sets import MEANING, insert, run_statements
from chassis.eventsourcing.event_store import VersionConflict, WriteSet
from chassis.postgres.connection import Connection
from chassis.runtime.faults import is_transient

Fate = Exception | None
"""Why a write set was not written; None when it was."""


async def commit(connection: Connection, write_sets: Sequence[WriteSet]) -> list[Fate]:
    """Writes every set that can be written. May be done again when it is not known what became of the first time.

    Raises what concerns all of them: a lost connection, a lock that was not to be had.
    """
    fates: list[Fate] = [None] * len(write_sets)
    remaining: list[int] = []
    seen: set[Hashable] = set()
    for i, write_set in enumerate(write_sets):
        if seen.isdisjoint(claims := set(_claims(write_set))):
            remaining.append(i)
            seen |= claims
        else:
            fates[i] = VersionConflict("somebody in the same round wants the same")
    while remaining:
        try:
            await _write(connection, [write_sets[i] for i in remaining])
            return fates
        except Exception as error:
            if is_transient(error):
                raise
            known = await _known(connection, write_sets, remaining) if isinstance(error, asyncpg.UniqueViolationError) else {}
            if not known and len(remaining) == 1:
                known = {remaining[0]: error}
            if not known:
                # one set's content is at fault, and nobody says whose: each goes alone
                for i in remaining:
                    fates[i], *_ = await commit(connection, [write_sets[i]])
                return fates
            for i, fate in known.items():
                fates[i] = fate
                remaining.remove(i)
    return fates


async def _write(connection: Connection, write_sets: Sequence[WriteSet]) -> None:
    if any(write_set.statements for write_set in write_sets):
        async with connection.transaction():
            await insert(connection, write_sets)
            await run_statements(connection, write_sets)
    else:
        await insert(connection, write_sets)


def _claims(write_set: WriteSet) -> Iterable[Hashable]:
    """What no other write set of the same round may claim."""
    for append in write_set.appends:
        yield append.stream
    if write_set.answer:
        key, _ = write_set.answer
        yield key.merchant_id, key.subject, key.route, key.key
    yield from write_set.inbox


async def _known(connection: Connection, write_sets: Sequence[WriteSet], remaining: Iterable[int]) -> dict[int, Fate]:
    """The sets that are in conflict with what is stored, in one query; a set that is stored itself has been written."""
    appends = [(i, append) for i in remaining for append in write_sets[i].appends]
    answers = [(i, answer[0]) for i in remaining if (answer := write_sets[i].answer)]
    inbox = [(i, *handled) for i in remaining for handled in write_sets[i].inbox]
    rows = await connection.fetch(
        """
        SELECT i, 'events_version_taken' AS taken, events.event_id = asked.event_id AS ours
        FROM unnest($1::int[], $2::uuid[], $3::text[], $4::int[], $5::uuid[])
             AS asked (i, merchant_id, stream, version, event_id)
        JOIN events USING (merchant_id, stream, version)
        UNION ALL
        SELECT i, 'inbox_handled', false
        FROM unnest($6::int[], $7::text[], $8::uuid[]) AS asked (i, consumer_group, event_id)
        JOIN inbox USING (consumer_group, event_id)
        UNION ALL
        SELECT i, 'idempotency_answered', false
        FROM unnest($9::int[], $10::uuid[], $11::text[], $12::text[], $13::text[])
             AS asked (i, merchant_id, subject, route, key)
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
    # the answer that is kept says more than that a version is taken, and comes last
    known: dict[int, Fate] = {row["i"]: MEANING[row["taken"]]() for row in rows}
    return known | dict.fromkeys((row["i"] for row in rows if row["ours"]), None)
