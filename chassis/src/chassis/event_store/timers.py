"""Fires the timers of aggregates when they are due by their merchant's clock.

A due timer is leased in a short transaction. Then its command runs like any other, and its write set clears the timer or sets
its next time. If the process dies in between, the timer fires again after the lease has ended.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.runtime.background import repeat
from chassis.runtime.faults import is_transient
from chassis.runtime.outages import outages
from chassis.scope import scoped

log = structlog.get_logger()

FIRED = Counter("timers_fired", "Timers fired", ["kind", "outcome"])

BATCH_SIZE = 100
POLL_SECONDS = 1.0
LEASE = timedelta(seconds=30)
_BLOCKED = """
SELECT FROM blocked_streams WHERE blocked_streams.merchant_id = timers.merchant_id AND stream = timers.kind || '-' || timers.id
AND released_at IS NULL
"""
"""Streams under review after a restore. Their timers wait."""


@dataclass(frozen=True, slots=True)
class Due:
    merchant_id: UUID
    kind: str
    id: UUID
    name: str
    due_at: datetime
    now: datetime
    """The current time by the merchant's clock."""


class TimersStuck(Exception):
    """Timers are still due after they fired: their commands were refused, failed or changed nothing."""


class TimerLoop:
    def __init__(self, pool: asyncpg.Pool, handlers: Iterable[CommandHandler[Any, Any, Any]]) -> None:
        self._pool = pool
        self._handlers = {handler.aggregate.kind: handler for handler in handlers}

    async def run(self, stop: asyncio.Event) -> None:
        """Fire the due timers of all merchants until `stop`."""

        async def step() -> float | None:
            due = await _claim(self._pool, list(self._handlers))
            await asyncio.gather(*(self._fire(timer) for timer in due))
            return None if due else POLL_SECONDS

        await repeat("timers", step, stop)

    async def next_due(self, merchant_id: UUID) -> datetime | None:
        """When the merchant's next timer is due, by the merchant's clock; None without one."""
        sql = "SELECT min(due_at) FROM timers WHERE merchant_id = $1 AND kind = ANY($2::text[])"
        due: datetime | None = await self._pool.fetchval(sql, merchant_id, list(self._handlers))
        return due

    async def fire_due(self, merchant_id: UUID, until: datetime) -> int:
        """Fire all of the merchant's timers that are due at `until`, including those that their commands set.

        `until` is the commands' now, independent of the merchant's clock. Returns the number of fired timers after the last
        one has finished, in this or another process. Raises TimersStuck.
        """
        fired: set[Due] = set()
        while True:
            claimed = [
                due for due in await _claim_of_merchant(self._pool, list(self._handlers), merchant_id, until) if due not in fired
            ]
            await asyncio.gather(*(self._fire(due) for due in claimed))
            fired.update(claimed)
            if claimed:
                continue
            remaining = await _due_of_merchant(self._pool, list(self._handlers), merchant_id, until)
            if stuck := remaining & fired:
                raise TimersStuck(stuck)
            if not remaining:
                return len(fired)
            await asyncio.sleep(0.05)  # another process holds their leases

    async def _fire(self, due: Due) -> None:
        """Never raises: a failed timer fires again when its lease has ended."""
        context = Context.beginning(due.merchant_id, "timer")
        with scoped(merchant=due.merchant_id, aggregate=f"{due.kind}-{due.id}"):
            try:
                outcome = await self._handlers[due.kind].fire(context, due.id, due.name, due.now)
            except Exception as error:
                FIRED.labels(due.kind, "failed").inc()
                if is_transient(error):
                    outages.failed(error, "postgres", task="timers")
                else:
                    log.error("timer.failed", timer=due.name, error=repr(error), exc_info=error)
            else:
                FIRED.labels(due.kind, "done" if outcome and outcome.events else "idle").inc()


async def _claim(pool: asyncpg.Pool, kinds: list[str]) -> list[Due]:
    """Lease due timers, merchant by merchant: the clocks differ, so each merchant has its own range of the index."""
    rows = await pool.fetch(
        f"""
        WITH RECURSIVE merchant AS (
            (SELECT merchant_id FROM timers ORDER BY merchant_id LIMIT 1)
            UNION ALL
            SELECT (SELECT timers.merchant_id FROM timers WHERE timers.merchant_id > merchant.merchant_id
                    ORDER BY timers.merchant_id LIMIT 1)
            FROM merchant WHERE merchant.merchant_id IS NOT NULL
        ), due AS (
            SELECT due.*, clock.now FROM merchant
            CROSS JOIN LATERAL (
                SELECT now() + make_interval(secs => coalesce((
                    SELECT (doc ->> 'clock_offset_seconds')::float8 FROM projection
                    WHERE projection.merchant_id = merchant.merchant_id AND name = 'merchant' LIMIT 1
                ), 0)) AS now
            ) AS clock
            CROSS JOIN LATERAL (
                SELECT merchant_id, kind, id, name FROM timers
                WHERE timers.merchant_id = merchant.merchant_id AND due_at <= clock.now AND kind = ANY($1::text[])
                  AND (leased_until IS NULL OR leased_until < now()) AND NOT EXISTS ({_BLOCKED})
                ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
            ) AS due
            LIMIT $2
        )
        UPDATE timers SET leased_until = now() + $3 FROM due
        WHERE (timers.merchant_id, timers.kind, timers.id, timers.name) = (due.merchant_id, due.kind, due.id, due.name)
        RETURNING timers.merchant_id, timers.kind, timers.id, timers.name, timers.due_at, due.now
        """,
        kinds,
        BATCH_SIZE,
        LEASE,
    )
    return [Due(*row) for row in rows]


async def _claim_of_merchant(pool: asyncpg.Pool, kinds: list[str], merchant_id: UUID, until: datetime) -> list[Due]:
    rows = await pool.fetch(
        f"""
        WITH due AS (
            SELECT kind, id, name FROM timers
            WHERE merchant_id = $1 AND due_at <= $2 AND kind = ANY($3::text[]) AND (leased_until IS NULL OR leased_until < now())
              AND NOT EXISTS ({_BLOCKED})
            ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED
        )
        UPDATE timers SET leased_until = now() + $5 FROM due
        WHERE timers.merchant_id = $1 AND (timers.kind, timers.id, timers.name) = (due.kind, due.id, due.name)
        RETURNING timers.kind, timers.id, timers.name, timers.due_at
        """,
        merchant_id,
        until,
        kinds,
        BATCH_SIZE,
        LEASE,
    )
    return [Due(merchant_id, kind, id, name, due_at, until) for kind, id, name, due_at in rows]


async def _due_of_merchant(pool: asyncpg.Pool, kinds: list[str], merchant_id: UUID, until: datetime) -> set[Due]:
    rows = await pool.fetch(
        f"""
        SELECT kind, id, name, due_at FROM timers
        WHERE merchant_id = $1 AND due_at <= $2 AND kind = ANY($3::text[]) AND NOT EXISTS ({_BLOCKED})
        """,
        merchant_id,
        until,
        kinds,
    )
    return {Due(merchant_id, kind, id, name, due_at, until) for kind, id, name, due_at in rows}
