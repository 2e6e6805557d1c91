"""Counts of limited uses, shared by all processes of the gateway."""

from datetime import UTC, datetime, timedelta

import asyncpg

from chassis.http import security_events
from chassis.http.problems import Problem
from chassis.postgres.pool import NO_COMMAND
from portal_gateway.application.limits import Limit
from portal_gateway.domain.instants import rfc3339

_RECENT = "ARRAY(SELECT at FROM unnest(it.uses) at WHERE at > now() - $3::interval ORDER BY at)"
_COUNT = f"""{NO_COMMAND}
INSERT INTO use_of_limit AS it (name, who, uses) SELECT $1, $2, ARRAY[clock_timestamp()] WHERE $3::interval IS NOT NULL
ON CONFLICT (name, who) DO UPDATE SET uses = {_RECENT} || clock_timestamp()
"""
"""One statement: concurrent uses are all counted, and none waits for long."""
_TAKE = f"{_COUNT} WHERE cardinality({_RECENT}) < $4 RETURNING true"
_USES = f"SELECT {_RECENT} FROM use_of_limit it WHERE name = $1 AND who = $2"
_FULL = """
SELECT NOT EXISTS (SELECT FROM use_of_limit WHERE name = $1 AND who = $2)
   AND (SELECT count(*) FROM (SELECT FROM use_of_limit WHERE name = $1 LIMIT $3) counted) >= $3
"""


def _arguments(limit: Limit, key: str) -> tuple[str, str, timedelta]:
    return limit.name, key, limit.per


class StoredLimits:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def check(self, *limits: tuple[Limit, str]) -> None:
        for limit, key in limits:
            recent = await self._pool.fetchval(_USES, *_arguments(limit, key))
            if recent and len(recent) >= limit.times:
                security_events.note(limit=limit.name)
                raise too_many(recent[-limit.times] + limit.per)

    async def count(self, *limits: tuple[Limit, str]) -> None:
        for limit, key in limits:
            await self._pool.execute(_COUNT, *_arguments(limit, key))

    async def take(self, limit: Limit, key: str) -> None:
        if limit.counted_max is not None and await self._pool.fetchval(_FULL, limit.name, key, limit.counted_max):
            return
        if await self._pool.fetchval(_TAKE, *_arguments(limit, key), limit.times):
            return
        await self.check((limit, key))
        raise too_many(datetime.now(UTC))  # a use has expired in the meantime


def too_many(free_at: datetime) -> Problem:
    seconds = max(1, int((free_at - datetime.now(UTC)).total_seconds()) + 1)
    more = {"retry_at": rfc3339(free_at.replace(microsecond=0))}
    return Problem(429, "too_many_requests", "Too many tries", headers={"retry-after": str(seconds)}, more=more)
