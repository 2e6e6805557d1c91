"""Deferred composition of views: while the consumer reads all topics from the beginning, each view is composed only once.

Composing after every batch would compose a customer's view about 36 times for a year of events, the largest cost of a rebuild.
"""

import asyncio
from collections.abc import Set as AbstractSet

import asyncpg

from chassis.consumers.offsets import still_behind
from chassis.postgres.connection import Connection
from chassis.runtime.background import repeat
from portal_gateway.adapters.storage.view_projector import create_empty, recompose
from portal_gateway.domain.view import CustomerKey

BATCH_SIZE = 100
POLL_SECONDS = 1.0
RETRY_SECONDS = 5.0
"""After the initial read: only another process can leave views to compose."""


class ViewBackfill:
    def __init__(self, pool: asyncpg.Pool, group: str) -> None:
        """`group` is the consumer group that feeds the views."""
        self._pool, self._group = pool, group
        self._caught_up = False
        """Whether the initial read is complete. Never becomes False again."""

    async def changed(self, connection: Connection, changed: AbstractSet[CustomerKey]) -> None:
        """Compose the views of changed documents; during the initial read, only views that exist already."""
        self._caught_up = self._caught_up or not await still_behind(connection, self._group)
        if not self._caught_up:
            changed = await create_empty(connection, changed)
        if changed:
            await recompose(connection, changed)

    async def check(self) -> str | None:
        """A health check: fails while views wait to be composed."""
        waiting = await self._pool.fetchval("SELECT EXISTS (SELECT FROM customer_view WHERE doc IS NULL)")
        return "views wait to be composed" if waiting else None

    async def check_form(self) -> str | None:
        """A health check: fails while an upgrade has left documents in an earlier form."""
        names = await self._pool.fetchval("SELECT string_agg(projection, ', ' ORDER BY projection) FROM due_rebuild")
        return f"documents of an earlier release: {names}; run portalctl rebuild --due" if names else None

    async def run(self, stop: asyncio.Event) -> None:
        """Compose the waiting views after the initial read. Any number of processes may run this."""

        async def step() -> float | None:
            if await self.compose():
                return None
            return RETRY_SECONDS if self._caught_up else POLL_SECONDS

        await repeat("waiting-views", step, stop)

    async def compose(self) -> int:
        """Compose a batch of waiting views; returns their number."""
        async with self._pool.acquire() as connection, connection.transaction():
            behind = await still_behind(connection, self._group)
            if behind:
                return 0
            rows = await connection.fetch(
                "SELECT merchant_id, customer_id FROM customer_view WHERE doc IS NULL ORDER BY 1, 2 LIMIT $1", BATCH_SIZE
            )
            if rows:
                await recompose(connection, {(row["merchant_id"], row["customer_id"]) for row in rows})
            self._caught_up = self._caught_up or (behind is False and not rows)
            return len(rows)
