"""A service's connection pool: every wait is bounded, and a connection is discarded after a fault that makes it unusable."""

import time
from typing import Any

import asyncpg
from asyncpg.exceptions import _base as client
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy

from chassis.postgres.connect import CONNECT_SECONDS, connect
from chassis.runtime.faults import ONLY_READ, NoConnection, dependency_of, describe_error

ACQUIRE_SECONDS = 5.0
"""How long a caller waits for an idle connection."""
COMMAND_SECONDS = 7.0
"""The timeout of one statement, longer than the transaction timeout of a service's role. It detects a frozen server."""
REPLACE_SECONDS = 1.0
"""A connection to a read-only server is replaced after this time, because a new one may reach the new primary."""

_UNUSABLE_AFTER = (asyncpg.ReadOnlySQLTransactionError, asyncpg.InvalidCachedStatementError, asyncpg.InvalidSQLStatementNameError)

NO_COMMAND = "/* no command */"
"""The prefix of a writing statement that carries out no command: it stores a time or a count."""
_READS = ("SELECT", "BEGIN", "SAVEPOINT", "LISTEN", NO_COMMAND.upper())


class PooledConnection(asyncpg.Connection):
    __slots__ = ("opened_at",)

    opened_at: float

    async def execute(self, query: str, *args: Any, **more: Any) -> str:
        try:
            return await super().execute(query, *args, **more)
        except Exception as error:
            _mark_only_read(error, query)
            raise

    async def _execute(self, query: str, *args: Any, **more: Any) -> Any:
        """Fetches and prepared statements call this."""
        try:
            return await super()._execute(query, *args, **more)  # type: ignore[misc]
        except Exception as error:
            _mark_only_read(error, query)
            raise


def _mark_only_read(error: Exception, query: str) -> None:
    """Mark the exception if its statement cannot have changed anything."""
    if query.lstrip()[: len(NO_COMMAND)].upper().startswith(_READS):
        setattr(error, ONLY_READ, True)


def create_pool(dsn: str, *, name: str, min_size: int, max_size: int) -> asyncpg.Pool:
    """Await or enter the pool to open it; it connects on first use. `name` is the connections' application name.

    When a connection is released, an open transaction is rolled back. No other state of the session is reset, because that
    would cost a second round trip per query: code that locks or sets something for a session must undo it.
    """
    pool = _Pool(
        dsn,
        init_size=0,
        min_size=0,
        max_size=max_size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        init=_note_opening_time,
        reset=_no_reset,
        loop=None,
        connect=connect,
        connection_class=PooledConnection,
        record_class=asyncpg.Record,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        server_settings={"application_name": name},
    )
    pool.set_min_size(min_size)
    return pool


def unusable_after(error: BaseException) -> bool:
    """Whether the connection that raised the error must not be used again.

    A statement that the server refused, or that was never sent, leaves the connection usable. After any other fault of the
    driver the state of the protocol is unknown: a late answer could reach the next caller.
    """
    if isinstance(error, (asyncpg.PostgresError, client.DataError)):
        return isinstance(error, _UNUSABLE_AFTER)
    return isinstance(error, OSError) or dependency_of(error) == "postgres"


def use_dsn(pool: asyncpg.Pool, dsn: str) -> None:
    """From now on connect with this URL. A connection is replaced when it is next acquired."""
    pool.set_connect_args(dsn, **pool._connect_kwargs)  # type: ignore[attr-defined]
    pool._generation += 1  # type: ignore[attr-defined]  # as `expire_connections`, which would have to be awaited


def is_expired(connection: PoolConnectionProxy) -> bool:
    """Whether the pool connects with another URL since this connection was opened."""
    holder: Any = connection._holder
    return bool(holder._generation != holder._pool._generation)


class _Pool(asyncpg.Pool):
    def set_min_size(self, connections: int) -> None:
        """The number of connections that stay open when idle. The constructor would also open them, and fail without a server."""
        self._minsize = connections

    def acquire(self, *, timeout: float | None = None) -> Any:
        return _Acquired(self, timeout)

    async def _acquire(self, timeout: float | None) -> Any:
        """Raises NoConnection."""
        idle: Any = self._queue  # type: ignore[attr-defined]
        # an idle connection needs no wait, and so no timer
        timeout = timeout or (ACQUIRE_SECONDS if idle is not None and idle.empty() else None)
        try:
            for _ in range(self.get_max_size()):
                proxy = await super()._acquire(timeout)  # type: ignore[misc]
                if not _should_replace(proxy._con):
                    return proxy
                proxy.terminate()
                await self.release(proxy)
            return await super()._acquire(timeout)  # type: ignore[misc]
        except Exception as error:
            raise NoConnection(f"no connection to the database: {describe_error(error)}") from error

    async def release(self, connection: Any, *, timeout: float | None = None) -> None:
        """Release without asyncpg's shielding task if there is nothing to roll back: the task is most of a release's cost."""
        inner: Any = connection._con
        if inner is None or inner.is_closed() or inner.is_in_transaction() or inner._protocol._is_cancelling():
            await super().release(connection, timeout=timeout)
        else:
            inner._on_release()
            await connection._holder.release(timeout)


class _Acquired(PoolAcquireContext):
    async def __aexit__(self, *exc: object) -> None:
        _, error, _ = exc
        if isinstance(error, BaseException) and self.connection is not None and unusable_after(error):
            self.connection.terminate()
        await super().__aexit__(*exc)


def _should_replace(connection: Any) -> bool:
    settings = connection.get_settings()
    read_only = "on" in (getattr(settings, "in_hot_standby", "off"), getattr(settings, "default_transaction_read_only", "off"))
    return read_only and time.monotonic() - connection.opened_at > REPLACE_SECONDS


async def _note_opening_time(connection: Any) -> None:
    connection.opened_at = time.monotonic()


async def _no_reset(_: PoolConnectionProxy | asyncpg.Connection) -> None: ...
