"""Deletes the answers of idempotency keys after 24 hours."""

import asyncio
from datetime import timedelta

import asyncpg

from chassis.runtime.background import repeat

RETENTION = timedelta(days=1)
INTERVAL_SECONDS = 3600.0
BATCH_SIZE = 5000


async def expire_answers(pool: asyncpg.Pool, stop: asyncio.Event) -> None:
    """Delete expired answers every hour until `stop`."""

    async def step() -> float | None:
        return None if await expire_some(pool) == BATCH_SIZE else INTERVAL_SECONDS

    await repeat("answers", step, stop)


async def expire_some(pool: asyncpg.Pool) -> int:
    """Delete up to BATCH_SIZE expired answers in one short transaction; returns how many."""
    status = await pool.execute(
        """
        DELETE FROM idempotency WHERE ctid IN (SELECT ctid FROM idempotency WHERE answered_at < now() - $1::interval LIMIT $2)
        """,
        RETENTION,
        BATCH_SIZE,
    )
    return int(status.split()[-1])
