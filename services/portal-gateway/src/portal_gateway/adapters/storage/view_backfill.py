"""Views that wait: as long as everything is being read from the beginning, nobody's is composed more than once.

A year of a customer's events would else compose the same view three dozen times, and that costs more than all the rest.
"""

import asyncio
from collections.abc import Set as AbstractSet

import asyncpg

from chassis.consumers.offsets import still_behind
from chassis.postgres.connection import Connection
from chassis.runtime.background import repeat
from portal_gateway.adapters.storage.view_projector import Who, begin, recompose

BATCH_SIZE = 100
POLL_SECONDS = 1.0
RETRY_SECONDS = 5.0
"""Once the beginning has been read: only another process can leave views to be composed."""


class ViewBackfill:
    def __init__(self, pool: asyncpg.Pool, group: str) -> None:
        """`group` is the consumers' that the views follow."""
        self._pool, self._group = pool, group
        self._read = False
        """Whether the beginning has been read: then it stays so."""

    async def changed(self, connection: Connection, changed: AbstractSet[Who]) -> None:
        """Composes the views of those whose documents changed; while the beginning is being read, only what is shown already."""
        self._read = self._read or not await still_behind(connection, self._group)
        if not self._read:
            changed = await begin(connection, changed)
        if changed:
            await recompose(connection, changed)

    async def none(self) -> str | None:
        """Whether all views are composed, as a health check says it."""
        waits = await self._pool.fetchval("SELECT EXISTS (SELECT FROM customer_view WHERE doc IS NULL)")
        return "still composing what was read" if waits else None

    async def run(self, stop: asyncio.Event) -> None:
        """Composes what waits as soon as the beginning has been read; any number of processes may."""

        async def turn() -> float | None:
            if await self.compose():
                return None
            return RETRY_SECONDS if self._read else POLL_SECONDS

        await repeat("waiting-views", turn, stop)

    async def compose(self) -> int:
        """Some of what waits; returns how many."""
        async with self._pool.acquire() as connection, connection.transaction():
            behind = await still_behind(connection, self._group)
            if behind:
                return 0
            rows = await connection.fetch(
                "SELECT merchant_id, customer_id FROM customer_view WHERE doc IS NULL ORDER BY 1, 2 LIMIT $1", BATCH_SIZE
            )
            if rows:
                await recompose(connection, {(row["merchant_id"], row["customer_id"]) for row in rows})
            self._read = self._read or (behind is False and not rows)
            return len(rows)
