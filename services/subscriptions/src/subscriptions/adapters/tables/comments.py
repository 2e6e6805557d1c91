"""The table `cancellation_comments`: comments on cancellations, stored for 24 months or until the customer is erased."""

import asyncio
from uuid import UUID

import asyncpg

from chassis.eventsourcing.event_store import Statement
from chassis.runtime.background import repeat

SECONDS_BETWEEN_SWEEPS = 3600


class CommentsTable:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    def write(self, merchant_id: UUID, subscription_id: UUID, customer_id: UUID, comment: str) -> Statement:
        return Statement(
            """
            INSERT INTO cancellation_comments (merchant_id, subscription_id, customer_id, comment) VALUES ($1, $2, $3, $4)
            ON CONFLICT (merchant_id, subscription_id) DO UPDATE SET comment = excluded.comment, written_at = now()
            """,
            (merchant_id, subscription_id, customer_id, comment),
        )

    async def sweep(self) -> None:
        """Delete comments older than 24 months."""
        await self._pool.execute("DELETE FROM cancellation_comments WHERE written_at < now() - interval '24 months'")

    async def run(self, stop: asyncio.Event) -> None:
        async def turn() -> float:
            await self.sweep()
            return SECONDS_BETWEEN_SWEEPS

        await repeat("comments", turn, stop)
