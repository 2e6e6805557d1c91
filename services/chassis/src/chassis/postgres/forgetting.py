"""Answers are kept for those who ask again, for a day."""

import asyncio
from datetime import timedelta

import asyncpg

from chassis.background import repeat

KEPT = timedelta(days=1)
EVERY = 3600.0
AT_ONCE = 5000


async def forget_answers(pool: asyncpg.Pool, stop: asyncio.Event) -> None:
    """Deletes, every hour until `stop`, the answers that have been kept for long enough."""

    async def turn() -> float | None:
        return None if await forget_some(pool) == AT_ONCE else EVERY

    await repeat("answers", turn, stop)


async def forget_some(pool: asyncpg.Pool) -> int:
    """One short transaction's worth; returns how many."""
    status = await pool.execute(
        """
        DELETE FROM idempotency WHERE ctid IN (SELECT ctid FROM idempotency WHERE answered_at < now() - $1::interval LIMIT $2)
        """,
        KEPT,
        AT_ONCE,
    )
    return int(status.split()[-1])
