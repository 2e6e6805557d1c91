"""One among several processes: who holds the lock does the work, and loses both when it stands still."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg

from chassis.runtime.faults import DatabaseAway

R = TypeVar("R")

IDLE_MS = 3000
"""A holder that says nothing for so long is frozen: the server ends its session, and with it the lock."""
HEARTBEAT_SECONDS = 1.0
ANSWER_SECONDS = 2.5
"""Seconds after which a server that does not answer is lost: by then it may have given the lock to another."""


class SessionLost(DatabaseAway):
    """The lock may be somebody else's by now."""


class Session:
    """The session that holds the lock: what is done on it is done by the holder, or not at all."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    async def run(self, work: Callable[[asyncpg.Connection], Awaitable[R]]) -> R:
        """Raises SessionLost."""
        async with self._turn:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await work(self._connection)
            except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                raise SessionLost(repr(error)) from error

    async def beat(self) -> None:
        """Keeps the session alive, until it is lost."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.run(lambda connection: connection.execute("SELECT"))


@asynccontextmanager
async def leadership(dsn: str, name: str, stop: asyncio.Event) -> AsyncIterator[Session | None]:
    """Waits for its turn, for as long as `stop` is not set: then there is no session."""
    # What the holder notes may be lost with the server's last moments: it then does the same work again.
    settings = {"application_name": name, "idle_session_timeout": str(IDLE_MS), "synchronous_commit": "off"}
    connection = await asyncpg.connect(dsn, server_settings=settings, timeout=5)
    try:
        while not stop.is_set():
            if await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name):
                yield Session(connection)
                return
            await asyncio.sleep(0.2)
        yield None
    finally:
        connection.terminate()
