"""The table `test_clock_jobs`: one row per merchant. If a worker stops, another one continues its job."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg

from chassis.postgres.connection import Connection
from chassis.scope import note_change
from subscriptions.application.ports import ClockJob


class ClockJobsTable:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def ask(self, merchant_id: UUID, to: datetime) -> ClockJob:
        await self._pool.execute(
            """
            INSERT INTO test_clock_jobs AS job (merchant_id, target) VALUES ($1, $2)
            ON CONFLICT (merchant_id) DO UPDATE SET target = $2, started_at = now(), finished_at = NULL
            WHERE job.finished_at IS NOT NULL
            """,
            merchant_id,
            to,
        )
        note_change()
        job = await self.get(merchant_id)
        assert job, "the row existed or was inserted"
        return job

    async def get(self, merchant_id: UUID) -> ClockJob | None:
        row = await self._pool.fetchrow(
            "SELECT target, finished_at IS NOT NULL FROM test_clock_jobs WHERE merchant_id = $1", merchant_id
        )
        return None if row is None else ClockJob(*row)

    async def running(self, merchant_id: UUID) -> list[UUID]:
        rows = await self._pool.fetch(
            "SELECT subscription_id FROM open_sagas WHERE merchant_id = $1 ORDER BY opened_at LIMIT 100", merchant_id
        )
        return [row["subscription_id"] for row in rows]

    async def unfinished(self) -> list[UUID]:
        return [
            row["merchant_id"]
            for row in await self._pool.fetch("SELECT merchant_id FROM test_clock_jobs WHERE finished_at IS NULL")
        ]

    @asynccontextmanager
    async def claimed(self, connection: Connection, merchant_id: UUID) -> AsyncIterator[datetime | None]:
        lock = f"test-clock/{merchant_id}"
        if not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", lock):
            yield None
            return
        try:
            yield await connection.fetchval(
                "SELECT target FROM test_clock_jobs WHERE merchant_id = $1 AND finished_at IS NULL", merchant_id
            )
        finally:
            await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", lock)

    async def finish(self, connection: Connection, merchant_id: UUID) -> None:
        await connection.execute("UPDATE test_clock_jobs SET finished_at = now() WHERE merchant_id = $1", merchant_id)

    async def settled(self, connection: Connection, merchant_id: UUID) -> bool:
        open = await connection.fetchval("SELECT EXISTS (SELECT FROM open_sagas WHERE merchant_id = $1)", merchant_id)
        return not open
