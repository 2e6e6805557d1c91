"""Answers are kept for those who ask again, for a day."""

import asyncio
from datetime import timedelta

import asyncpg
import structlog

from chassis.faults import passes
from chassis.resting import rest

log = structlog.get_logger()

KEPT = timedelta(days=1)
EVERY = 3600.0
AT_ONCE = 5000


async def forget_answers(pool: asyncpg.Pool, stop: asyncio.Event) -> None:
    """Deletes, every hour until `stop`, the answers whose time is over."""
    while not stop.is_set():
        try:
            while await forget_some(pool) == AT_ONCE and not stop.is_set():
                pass
        except Exception as error:
            if not passes(error):
                raise
            log.warning("answers are kept for longer", error=repr(error))
        await rest(stop, EVERY)


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
