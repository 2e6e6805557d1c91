"""Work on plain tables, done once per idempotency key: the answer is kept in the transaction of the work."""

import json

import asyncpg

from chassis.eventsourcing.event_store import Answer, IdempotencyKey, KeyReused
from chassis.http.commands import RunOnce, Work, problem_answer
from chassis.http.problems import Problem
from chassis.outbox.commit_signals import CommitSignals
from chassis.postgres.connection import Connection
from chassis.scope import note_change

_CLAIM = """
INSERT INTO idempotency (merchant_id, subject, route, key, fingerprint, status, answer) VALUES ($1, $2, $3, $4, $5, 0, '{}')
"""
_STORE_ANSWER = "UPDATE idempotency SET status = $5, answer = $6 WHERE (merchant_id, subject, route, key) = ($1, $2, $3, $4)"
_STORED_ANSWER = (
    "SELECT fingerprint, status, answer::text FROM idempotency WHERE (merchant_id, subject, route, key) = ($1, $2, $3, $4)"
)


def idempotency_in(pool: asyncpg.Pool, commits: CommitSignals | None = None) -> RunOnce:
    """How a service whose tables are in this database does a thing once. `commits` is signalled: the work may send states."""
    commits = commits or CommitSignals()

    async def once(key: IdempotencyKey | None, work: Work) -> Answer:
        """Runs the work in a transaction of its own and returns its answer, or the one that the key was given before.

        A repetition that comes while the first one runs waits for it. A Problem that the work raises undoes the work
        and is the answer. Raises KeyReused when the key came with another request before.
        """
        async with pool.acquire() as connection:
            if key is None:
                async with connection.transaction():
                    answer = await work(connection)
                note_change()
                commits.signal()
                return answer
            try:
                answer = await _claimed(connection, key, work)
                note_change()
                commits.signal()
                return answer
            except asyncpg.UniqueViolationError as violation:
                if violation.constraint_name != "idempotency_answered":
                    raise
                return await _stored_answer(connection, key)

    return once


async def _claimed(connection: Connection, key: IdempotencyKey, work: Work) -> Answer:
    async with connection.transaction():
        await connection.execute(_CLAIM, *_name(key), key.fingerprint)
        try:
            async with connection.transaction():
                answer = await work(connection)
        except Problem as refused:
            if refused.status >= 500:
                raise
            answer = problem_answer(refused)
        await connection.execute(_STORE_ANSWER, *_name(key), answer.status, json.dumps(answer.body, default=str))
    return answer


async def _stored_answer(connection: Connection, key: IdempotencyKey) -> Answer:
    row = await connection.fetchrow(_STORED_ANSWER, *_name(key))
    assert row is not None, "a claim that was in the way has been answered"
    if row["fingerprint"] != key.fingerprint:
        raise KeyReused
    return Answer(row["status"], json.loads(row["answer"]))


def _name(key: IdempotencyKey) -> tuple[object, ...]:
    return key.merchant_id, key.subject, key.route, key.key
