"""A service's pool of connections: bounded waits, and no connection survives a fault that makes it useless."""

import time
from typing import Any

import asyncpg
from asyncpg.exceptions import _base as client
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy

from chassis.runtime.faults import ONLY_READ, NoConnection, dependency_of, describe_error

CONNECT_SECONDS = 5.0
ACQUIRE_SECONDS = 5.0
"""How long a caller waits for a free connection."""
COMMAND_SECONDS = 7.0
"""How long the server may take for one statement: more than a service's role allows a transaction. A server that stands still
answers nothing at all."""
REPLACE_SECONDS = 1.0
"""A connection to a server that is read-only is replaced when it is older: the next one may find the new primary."""

_USELESS = (asyncpg.ReadOnlySQLTransactionError, asyncpg.InvalidCachedStatementError, asyncpg.InvalidSQLStatementNameError)

NO_COMMAND = "/* no command */"
"""What a statement begins with that writes, and changes nothing that anybody asked for: a time, a count."""
_READS = ("SELECT", "BEGIN", "SAVEPOINT", "LISTEN", NO_COMMAND.upper())


class Connection(asyncpg.Connection):
    __slots__ = ("opened_at",)

    opened_at: float

    async def execute(self, query: str, *args: Any, **more: Any) -> str:
        try:
            return await super().execute(query, *args, **more)
        except Exception as error:
            _tell(error, query)
            raise

    async def _execute(self, query: str, *args: Any, **more: Any) -> Any:
        """What fetches and prepared statements go through."""
        try:
            return await super()._execute(query, *args, **more)  # type: ignore[misc]
        except Exception as error:
            _tell(error, query)
            raise


def _tell(error: Exception, query: str) -> None:
    """Has the exception tell whether its statement could have changed something."""
    if query.lstrip()[: len(NO_COMMAND)].upper().startswith(_READS):
        setattr(error, ONLY_READ, True)


def create_pool(dsn: str, *, name: str, min_size: int, max_size: int) -> asyncpg.Pool:
    """Await it, or enter it, to open it: that connects to nothing yet. `name` is what the server shows of its connections.

    A transaction left open is rolled back when its connection comes back; nothing else of a session is undone, which would
    be a second round trip behind every query. Whoever locks or sets something for a whole session undoes it.
    """
    pool = _Pool(
        dsn,
        init_size=0,
        min_size=0,
        max_size=max_size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        init=_opened,
        reset=_as_it_is,
        loop=None,
        connection_class=Connection,
        record_class=asyncpg.Record,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        server_settings={"application_name": name},
    )
    pool.keep(min_size)
    return pool


def useless_after(error: BaseException) -> bool:
    """Whether a connection on which this was raised must not be used again.

    A statement that the server refused, or that was never sent, leaves a connection as it was. After any other fault of the
    driver the state of the protocol is not known: an answer may still come, to the next caller.
    """
    if isinstance(error, (asyncpg.PostgresError, client.DataError)):
        return isinstance(error, _USELESS)
    return isinstance(error, OSError) or dependency_of(error) == "postgres"


class _Pool(asyncpg.Pool):
    def keep(self, connections: int) -> None:
        """How many stay open in idle times. The constructor would also open them at once, and fail without a server."""
        self._minsize = connections

    def acquire(self, *, timeout: float | None = None) -> Any:
        return _Acquired(self, timeout)

    async def _acquire(self, timeout: float | None) -> Any:
        """Raises NoConnection."""
        idle: Any = self._queue  # type: ignore[attr-defined]
        # an idle connection is taken without any wait, and then no timer is needed
        timeout = timeout or (ACQUIRE_SECONDS if idle is not None and idle.empty() else None)
        try:
            for _ in range(self.get_max_size()):
                proxy = await super()._acquire(timeout)  # type: ignore[misc]
                if not _outlived(proxy._con):
                    return proxy
                proxy.terminate()
                await self.release(proxy)
            return await super()._acquire(timeout)  # type: ignore[misc]
        except Exception as error:
            raise NoConnection(f"no connection to the database: {describe_error(error)}") from error

    async def release(self, connection: Any, *, timeout: float | None = None) -> None:
        """Without the task with which asyncpg shields its own, where nothing has to be undone: that is most of its cost."""
        inner: Any = connection._con
        if inner is None or inner.is_closed() or inner.is_in_transaction() or inner._protocol._is_cancelling():
            await super().release(connection, timeout=timeout)
        else:
            inner._on_release()
            await connection._holder.release(timeout)


class _Acquired(PoolAcquireContext):
    async def __aexit__(self, *exc: object) -> None:
        _, error, _ = exc
        if isinstance(error, BaseException) and self.connection is not None and useless_after(error):
            self.connection.terminate()
        await super().__aexit__(*exc)


def _outlived(connection: Any) -> bool:
    settings = connection.get_settings()
    read_only = "on" in (getattr(settings, "in_hot_standby", "off"), getattr(settings, "default_transaction_read_only", "off"))
    return read_only and time.monotonic() - connection.opened_at > REPLACE_SECONDS


async def _opened(connection: Any) -> None:
    connection.opened_at = time.monotonic()


async def _as_it_is(_: PoolConnectionProxy | asyncpg.Connection) -> None: ...
