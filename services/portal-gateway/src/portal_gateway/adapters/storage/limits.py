"""Counts shared by all of the gateway's processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg

from chassis.http.problems import Problem
from chassis.postgres.write_sets import Connection
from portal_gateway.application.folds import rfc3339
from portal_gateway.application.ports import Limit

_ABANDONED_AFTER = timedelta(minutes=10)
"""Whoever is at it for longer is taken for dead."""


class StoredLimits:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def check(self, *limits: tuple[Limit, str]) -> None:
        async with self._pool.acquire() as connection:
            await self._check(connection, limits)

    async def count(self, *limits: tuple[Limit, str]) -> None:
        async with self._pool.acquire() as connection:
            await self._count(connection, limits)

    async def take(self, *limits: tuple[Limit, str]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            for limit, who in sorted(limits, key=lambda it: (it[0].name, it[1])):
                await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{limit.name}/{who}")
            await self._check(connection, limits)
            await self._count(connection, limits)

    async def _check(self, connection: Connection, limits: tuple[tuple[Limit, str], ...]) -> None:
        for limit, who in limits:
            free_at: datetime | None = await connection.fetchval(
                """
                SELECT at + $3::interval FROM use_of_limit
                WHERE name = $1 AND who = $2 AND at > now() - $3::interval ORDER BY at DESC OFFSET $4 LIMIT 1
                """,
                limit.name,
                who,
                limit.per,
                limit.times - 1,
            )
            if free_at is not None:
                raise too_many(free_at)

    async def _count(self, connection: Connection, limits: tuple[tuple[Limit, str], ...]) -> None:
        await connection.executemany(
            "INSERT INTO use_of_limit (name, who) VALUES ($1, $2)", [(limit.name, who) for limit, who in limits]
        )

    @asynccontextmanager
    async def alone(self, name: str, who: str) -> AsyncIterator[None]:
        run = uuid4()
        mine = await self._pool.fetchval(
            """
            INSERT INTO one_at_a_time AS it (name, who, run) VALUES ($1, $2, $3)
            ON CONFLICT (name, who) DO UPDATE SET run = excluded.run, since = now() WHERE it.since < now() - $4::interval
            RETURNING true
            """,
            name,
            who,
            run,
            _ABANDONED_AFTER,
        )
        if not mine:
            raise too_many(datetime.now(UTC) + timedelta(minutes=1))
        try:
            yield
        finally:
            # a browser that hangs up cancels us here: the place is given back all the same
            await asyncio.shield(
                self._pool.execute("DELETE FROM one_at_a_time WHERE name = $1 AND who = $2 AND run = $3", name, who, run)
            )


def too_many(free_at: datetime) -> Problem:
    seconds = max(1, int((free_at - datetime.now(UTC)).total_seconds()) + 1)
    more = {"retry_at": rfc3339(free_at.replace(microsecond=0))}
    return Problem(429, "too_many_requests", "Too many tries", headers={"retry-after": str(seconds)}, more=more)
