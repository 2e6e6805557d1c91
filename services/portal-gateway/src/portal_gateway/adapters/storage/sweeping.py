"""What is over and of no more use to anybody is deleted, a little at a time."""

import asyncio

import asyncpg
import structlog

from chassis.resting import rest

EVERY_SECONDS = 600.0

_OVER = (
    "DELETE FROM use_of_limit WHERE (SELECT max(at) FROM unnest(uses) at) < now() - interval '1 day'",
    "DELETE FROM portal_session WHERE started_at < now() - interval '2 days'",
    "DELETE FROM portal_link WHERE greatest(expires_at, used_at) < now() - interval '90 days'",
)

log = structlog.get_logger()


class Sweeper:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.sweep()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("not swept", error=type(error).__name__)
            await rest(stop, EVERY_SECONDS)

    async def sweep(self) -> None:
        for statement in _OVER:
            await self._pool.execute(statement)
