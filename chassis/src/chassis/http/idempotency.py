"""Idempotent work on plain tables: the response is stored in the transaction of the work."""

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
    """`RunOnce` for the tables of this database. `commits` is signalled, because the work may write outbox messages."""
    commits = commits or CommitSignals()

    async def once(key: IdempotencyKey | None, work: Work) -> Answer:
        """Run the work in a transaction and return its answer, or the stored answer of the key.

        A repeated request waits while the first one runs. A Problem raised by the work rolls it back and becomes the answer.
        Raises KeyReused if the key belongs to another request.
        """
        async with pool.acquire() as connection:
            if key is None:
                async with connection.transaction():
                    answer = await work(connection)
                note_change()
                commits.signal()
                return answer
            try:
                answer = await _run_claimed(connection, key, work)
                note_change()
                commits.signal()
                return answer
            except asyncpg.UniqueViolationError as violation:
                if violation.constraint_name != "idempotency_answered":
                    raise
                return await _stored_answer(connection, key)

    return once


async def _run_claimed(connection: Connection, key: IdempotencyKey, work: Work) -> Answer:
    async with connection.transaction():
        await connection.execute(_CLAIM, *_primary_key(key), key.fingerprint)
        try:
            async with connection.transaction():
                answer = await work(connection)
        except Problem as refused:
            if refused.status >= 500:
                raise
            answer = problem_answer(refused)
        await connection.execute(_STORE_ANSWER, *_primary_key(key), answer.status, json.dumps(answer.body, default=str))
    return answer


async def _stored_answer(connection: Connection, key: IdempotencyKey) -> Answer:
    row = await connection.fetchrow(_STORED_ANSWER, *_primary_key(key))
    assert row is not None, "the conflicting claim is committed with its answer"
    if row["fingerprint"] != key.fingerprint:
        raise KeyReused
    return Answer(row["status"], json.loads(row["answer"]))


def _primary_key(key: IdempotencyKey) -> tuple[object, ...]:
    return key.merchant_id, key.subject, key.route, key.key
