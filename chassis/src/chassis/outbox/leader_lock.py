"""Leader election among processes by an advisory lock. A leader that freezes loses its session, and with it the lock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg

from chassis.postgres.connect import CONNECT_SECONDS, connect
from chassis.runtime.faults import DatabaseAway

R = TypeVar("R")

IDLE_MS = 3000
"""The server ends the session of a leader that is idle for so long, and releases its lock."""
HEARTBEAT_SECONDS = 1.0
ANSWER_SECONDS = 2.5
"""After this time without an answer the session counts as lost: the server may have given the lock to another process."""


class SessionLost(DatabaseAway):
    """The session has ended or does not answer. Another process may hold the lock."""


class Session:
    """The database session that holds the lock. A statement on it runs while this process is the leader, or not at all."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()

    async def run(self, work: Callable[[asyncpg.Connection], Awaitable[R]]) -> R:
        """Run `work` on the session's connection, one call at a time. Raises SessionLost."""
        async with self._lock:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await work(self._connection)
            except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                raise SessionLost(repr(error)) from error

    async def heartbeat(self) -> None:
        """Keep the session alive. Raises SessionLost."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.run(lambda connection: connection.execute("SELECT"))


@asynccontextmanager
async def leadership(dsn: str, name: str, stop: asyncio.Event) -> AsyncIterator[Session | None]:
    """Wait for the lock, and yield the session that holds it; None if `stop` is set first."""
    # A server crash may lose the leader's last commits. Then the same messages are sent again.
    settings = {"application_name": name, "idle_session_timeout": str(IDLE_MS), "synchronous_commit": "off"}
    connection = await connect(dsn, timeout=CONNECT_SECONDS, command_timeout=ANSWER_SECONDS, server_settings=settings)
    try:
        while not stop.is_set():
            if await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name):
                yield Session(connection)
                return
            await asyncio.sleep(0.2)
        yield None
    finally:
        connection.terminate()
