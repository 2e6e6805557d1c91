"""The event store in PostgreSQL."""

import json
from collections.abc import Sequence

import asyncpg

from chassis.event_store.group_commit import Fate, commit
from chassis.event_store.write_sets import read_on, read_since
from chassis.eventsourcing.event_store import Answer, IdempotencyKey, KeyReused, StoredEvent, WriteSet
from chassis.eventsourcing.stream import Stream
from chassis.outbox.commit_signals import CommitSignals
from chassis.postgres.coalescing import PinnedConnection, RequestCoalescer, Send
from chassis.scope import note_change

LEAST = 32
"""Callers that share a round trip although another connection is idle. With 16 a write set of 32 callers takes a third more
processor time, and no more are written."""


class PostgresEventStore:
    """Reads and writes of concurrent callers share round trips, on connections kept out of the pool for that."""

    def __init__(self, pool: asyncpg.Pool, *, connections: int = 2, commits: CommitSignals | None = None) -> None:
        """`connections`: how many are kept for reading, and how many for writing; with two, one's round is prepared while
        the other's is at the server. `commits` is signalled after each write.
        """
        self._pool = pool
        self.commits = commits or CommitSignals(pool)
        readers, writers = [[PinnedConnection(pool) for _ in range(connections)] for _ in range(2)]
        self._kept = readers + writers
        self._reads = RequestCoalescer([_reading(kept) for kept in readers], least=LEAST)
        self._writes = RequestCoalescer([_writing(kept) for kept in writers], least=LEAST)

    async def __aenter__(self) -> "PostgresEventStore":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reads.close()
        await self._writes.close()
        await self.commits.close()
        for kept in self._kept:
            await kept.close()

    async def read(self, stream: Stream, since: int = 1) -> list[StoredEvent]:
        return await self._reads.ask((stream, since))

    async def read_many(self, streams: Sequence[Stream]) -> dict[Stream, list[StoredEvent]]:
        async with self._pool.acquire() as connection:
            return await read_on(connection, streams)

    async def write(self, write_set: WriteSet) -> None:
        await self._writes.ask(write_set)
        note_change()
        self.commits.signal()

    async def answer_to(self, key: IdempotencyKey) -> Answer | None:
        row = await self._pool.fetchrow(
            """
            SELECT fingerprint, status, answer FROM idempotency
            WHERE merchant_id = $1 AND subject = $2 AND route = $3 AND key = $4
            """,
            key.merchant_id,
            key.subject,
            key.route,
            key.key,
        )
        if row is None:
            return None
        if row["fingerprint"] != key.fingerprint:
            raise KeyReused(key.key)
        return Answer(row["status"], json.loads(row["answer"]))


def _reading(kept: PinnedConnection) -> Send[tuple[Stream, int], list[StoredEvent]]:
    async def send(asked: Sequence[tuple[Stream, int]]) -> Sequence[list[StoredEvent] | Exception]:
        try:
            return await kept.run(lambda connection: read_since(connection, asked), writes=False)
        except Exception as error:
            return [error] * len(asked)

    return send


def _writing(kept: PinnedConnection) -> Send[WriteSet, None]:
    async def send(write_sets: Sequence[WriteSet]) -> Sequence[Fate]:
        try:
            return await kept.run(lambda connection: commit(connection, write_sets))
        except Exception as error:
            return [error] * len(write_sets)

    return send
