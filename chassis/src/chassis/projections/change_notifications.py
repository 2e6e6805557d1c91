"""NOTIFY to other processes: the customers with changed documents."""

import asyncio
import json
from collections import deque
from collections.abc import Set as AbstractSet
from uuid import UUID

import asyncpg

from chassis.runtime.background import survives

_PAIRS_MAX = 80
"""Per notification: PostgreSQL limits a payload to less than 8 000 bytes."""
_SENDERS_MAX = 8
_GATHER_SECONDS = 0.02
"""Between two notifications; the first is sent immediately."""


class ChangeNotifications:
    """Sends JSON [["<merchant>", "<customer>"], …] on a channel. Listeners also poll, so a lost notification is only a delay."""

    def __init__(self, pool: asyncpg.Pool, channel: str) -> None:
        self._pool, self._channel = pool, channel
        self._pending: set[tuple[UUID, UUID]] = set()
        self._sending: asyncio.Task[None] | None = None
        self._senders = deque[int](maxlen=_SENDERS_MAX)
        """The server processes that sent last. Only the last ones: the operating system reuses process ids."""

    def send(self, changed: AbstractSet[tuple[UUID, UUID]]) -> None:
        """Queue the customers for the next notification. Call it after the commit; it does not wait."""
        self._pending |= changed
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    def sent(self, pid: int) -> bool:
        """Whether this process sent a notification, given the server process id that the notification names."""
        return pid in self._senders

    async def close(self) -> None:
        if self._sending is not None:
            await self._sending

    async def _send(self) -> None:
        while self._pending:
            changed, self._pending = self._pending, set()
            await survives(f"notices {self._channel}", self._notify(changed))
            await asyncio.sleep(_GATHER_SECONDS)

    async def _notify(self, changed: AbstractSet[tuple[UUID, UUID]]) -> None:
        pairs = [[str(merchant), str(customer)] for merchant, customer in changed]
        parts = [pairs[first : first + _PAIRS_MAX] for first in range(0, len(pairs), _PAIRS_MAX)]
        async with self._pool.acquire() as connection:
            self._senders.append(connection.get_server_pid())
            # The commit need not wait for the disk: a server crash loses only notifications.
            await connection.execute(
                "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, payload) FROM unnest($2::text[]) AS payload",
                self._channel,
                [json.dumps(part, separators=(",", ":")) for part in parts],
            )
