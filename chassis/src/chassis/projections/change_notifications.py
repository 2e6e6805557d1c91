"""Tells other processes whose documents changed."""

import asyncio
import json
from collections import deque
from collections.abc import Set as AbstractSet
from uuid import UUID

import asyncpg

from chassis.runtime.background import survives

_PAIRS = 80
"""In one notification, which holds less than 8 000 bytes."""
_SENDERS = 8
_GATHER_SECONDS = 0.02
"""Seconds between two notifications; the first is sent at once."""


class ChangeNotifications:
    """Sends JSON [["<merchant>", "<customer>"], …] on a channel. Listeners poll as well: a lost notice is only a delay."""

    def __init__(self, pool: asyncpg.Pool, channel: str) -> None:
        self._pool, self._channel = pool, channel
        self._waiting: set[tuple[UUID, UUID]] = set()
        self._sending: asyncio.Task[None] | None = None
        self._senders = deque[int](maxlen=_SENDERS)
        """The server processes that sent last; the system gives their numbers to others in time."""

    def send(self, changed: AbstractSet[tuple[UUID, UUID]]) -> None:
        """Call it after the commit. Returns at once; what comes while a notice is sent goes with the next one."""
        self._waiting |= changed
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    def sent(self, pid: int) -> bool:
        """Whether the server process that a notification names sends for us."""
        return pid in self._senders

    async def close(self) -> None:
        if self._sending is not None:
            await self._sending

    async def _send(self) -> None:
        while self._waiting:
            changed, self._waiting = self._waiting, set()
            await survives(f"notices {self._channel}", self._notify(changed))
            await asyncio.sleep(_GATHER_SECONDS)

    async def _notify(self, changed: AbstractSet[tuple[UUID, UUID]]) -> None:
        pairs = [[str(merchant), str(customer)] for merchant, customer in changed]
        parts = [pairs[first : first + _PAIRS] for first in range(0, len(pairs), _PAIRS)]
        async with self._pool.acquire() as connection:
            self._senders.append(connection.get_server_pid())
            # It does not wait for the disk: nothing is lost with it when the server stops.
            await connection.execute(
                "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, payload) FROM unnest($2::text[]) AS payload",
                self._channel,
                [json.dumps(part, separators=(",", ":")) for part in parts],
            )
