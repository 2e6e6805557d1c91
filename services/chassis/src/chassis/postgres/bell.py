"""Tells the relay that something has been committed: after the commit, and once for many."""

import asyncio
from collections.abc import Iterable

import asyncpg

from chassis.background import survives

CHANNEL = "committed"
GATHER = 0.02
"""Seconds between two rings; the first is at once. Without it, 200 events per second would be as many batches for everybody who
reads them, which kept two cores busy."""


class Bell:
    """Never inside a transaction that appends: all that notify wait for each other (measured: a fifth is left at 32)."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._wanted = False
        self._ringing: asyncio.Task[None] | None = None

    def ring(self) -> None:
        self._wanted = True
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._ring())

    async def close(self) -> None:
        if self._ringing is not None:
            await self._ringing

    async def _ring(self) -> None:
        while self._wanted:
            self._wanted = False
            # Nothing is lost when the server stops or cannot be reached: the relay polls as well.
            await survives("bell", self._pool.execute(f"BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}; COMMIT"))
            await asyncio.sleep(GATHER)


async def listen(connection: asyncpg.Connection, bells: Iterable[asyncio.Event]) -> None:
    """Sets the events whenever something has been committed."""

    def heard(*_: object) -> None:
        for bell in bells:
            bell.set()

    await connection.add_listener(CHANNEL, heard)
