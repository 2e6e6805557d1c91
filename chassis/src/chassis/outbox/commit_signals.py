"""Signals that events were committed: at once to those who wait in this process, by NOTIFY to the relay of another one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

import asyncpg

from chassis.runtime.background import survives

CHANNEL = "committed"
GATHER_SECONDS = 0.02
"""Seconds between two notifications; the first is sent at once."""


class CommitSignals:
    """One per process. A signal can be lost (a process that dies after its commit), so those who wait also poll."""

    def __init__(self, pool: asyncpg.Pool | None = None) -> None:
        """`pool` sends the notifications; without one, other processes are not notified."""
        self._pool = pool
        self._waiting = WeakSet[asyncio.Event]()
        self._relays_here = 0
        self._wanted = False
        self._notifying: asyncio.Task[None] | None = None

    def event(self) -> asyncio.Event:
        """An event that is set after each commit for as long as the caller keeps it; the caller clears it."""
        event = asyncio.Event()
        self._waiting.add(event)
        return event

    @contextmanager
    def relayed_here(self) -> Iterator[None]:
        """For the block this process relays: the relays of other processes only wait for the lock, so NOTIFY is not needed."""
        self._relays_here += 1
        try:
            yield
        finally:
            self._relays_here -= 1

    def signal(self) -> None:
        """Call it after a commit, outside of its transaction: NOTIFY takes a lock that serialises commits (measured: a fifth of
        the rate is left at 32 writers).
        """
        self.wake()
        if self._pool is None or self._relays_here:
            return
        self._wanted = True
        if self._notifying is None or self._notifying.done():
            self._notifying = asyncio.create_task(self._notify(self._pool))

    def wake(self) -> None:
        """Wake those who wait in this process."""
        for event in self._waiting:
            event.set()

    async def listen(self, connection: asyncpg.Connection) -> None:
        """Wakes those who wait here when another process has committed, for as long as the connection lasts."""
        await connection.add_listener(CHANNEL, lambda *_: self.wake())

    async def close(self) -> None:
        if self._notifying is not None:
            await self._notifying

    async def _notify(self, pool: asyncpg.Pool) -> None:
        while self._wanted:
            self._wanted = False
            await survives("commits", pool.execute(f"BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}; COMMIT"))
            await asyncio.sleep(GATHER_SECONDS)
