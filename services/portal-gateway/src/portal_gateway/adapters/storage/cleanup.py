"""Periodic deletion of old sessions, links and limit counts."""

import asyncio

import asyncpg

from chassis.runtime.background import repeat
from portal_gateway.application.limits import LONGEST_PERIOD

INTERVAL_SECONDS = 600.0

_DELETIONS = (
    f"DELETE FROM use_of_limit WHERE (SELECT max(at) FROM unnest(uses) at) < now() - interval '{LONGEST_PERIOD.seconds} s'",
    "DELETE FROM portal_session WHERE started_at < now() - interval '2 days'",
    "DELETE FROM portal_link WHERE greatest(expires_at, used_at) < now() - interval '90 days'",
    "DELETE FROM invoice_session WHERE started_at < now() - interval '2 days'",
    "DELETE FROM invoice_link WHERE greatest(expires_at, used_at) < now() - interval '90 days'",
)


class Cleanup:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def run(self, stop: asyncio.Event) -> None:
        async def step() -> float:
            await self.sweep()
            return INTERVAL_SECONDS

        await repeat("sweeper", step, stop)

    async def sweep(self) -> None:
        for statement in _DELETIONS:
            await self._pool.execute(statement)
