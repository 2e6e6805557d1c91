"""What customers wrote when they cancelled. Kept until they are erased, or for 24 months."""

import asyncio
from uuid import UUID

import asyncpg
import structlog

from chassis.resting import rest
from chassis.store import Statement

SECONDS_BETWEEN_SWEEPS = 3600

log = structlog.get_logger()


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
        """Forgets what is older than 24 months."""
        await self._pool.execute("DELETE FROM cancellation_comments WHERE written_at < now() - interval '24 months'")

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.sweep()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("old comments not swept", error=repr(error))
            await rest(stop, SECONDS_BETWEEN_SWEEPS)
