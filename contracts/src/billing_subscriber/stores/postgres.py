"""One PostgreSQL database, through asyncpg: `pip install 'billing-contracts[postgres]'`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from billing_subscriber.positions import Position

TABLES = """
CREATE TABLE billing_handled (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE TABLE billing_positions (
    consumer text NOT NULL,
    merchant_id uuid NOT NULL,
    aggregate text NOT NULL,
    sequence bigint NOT NULL,
    missing jsonb NOT NULL,
    PRIMARY KEY (consumer, merchant_id, aggregate)
);
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('billing_subscriber'))"
_SETTINGS = {"application_name": "billing_subscriber", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s"}
"""The two timeouts release the locks of a frozen member."""
_COMMAND_SECONDS = 30.0

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class PostgresUnit:
    def __init__(self, group: str, connection: Connection) -> None:
        self._group, self._connection = group, connection

    @property
    def tx(self) -> Connection:
        return self._connection

    async def claim(self, event_id: UUID) -> bool:
        sql = "INSERT INTO billing_handled (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
        return bool(await self._connection.fetchval(sql, self._group, event_id))

    async def position(self, merchant_id: UUID, aggregate: str) -> Position:
        sql = """
            SELECT sequence, missing FROM billing_positions
            WHERE consumer = $1 AND merchant_id = $2 AND aggregate = $3 FOR UPDATE
        """
        row = await self._connection.fetchrow(sql, self._group, merchant_id, aggregate)
        return Position(row["sequence"], tuple(map(tuple, json.loads(row["missing"])))) if row else Position()

    async def move(self, merchant_id: UUID, aggregate: str, position: Position) -> None:
        sql = """
            INSERT INTO billing_positions VALUES ($1, $2, $3, $4, $5::text::jsonb)
            ON CONFLICT (consumer, merchant_id, aggregate) DO UPDATE SET sequence = excluded.sequence, missing = excluded.missing
        """
        missing = json.dumps(position.missing)
        await self._connection.execute(sql, self._group, merchant_id, aggregate, position.sequence, missing)

    async def forget(self) -> None:
        for table in ("billing_handled", "billing_positions"):
            await self._connection.execute(f"DELETE FROM {table} WHERE consumer = $1", self._group)


class PostgresStore:
    """Effects receive an `asyncpg.Connection` in a transaction. The store has one connection and reopens it after a loss.

    `schema`: statements that create the subscriber's own tables if they do not exist; executed at each connect. If the role may
    not create tables, execute `TABLES` of this module with another role. `options` are passed to `asyncpg.connect`.
    """

    def __init__(self, dsn: str, schema: str = "", **options: Any) -> None:
        self._dsn, self._schema = dsn, schema
        self._options = {"server_settings": _SETTINGS, "command_timeout": _COMMAND_SECONDS, **options}
        self._opened: Connection | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def unit(self, group: str) -> AsyncIterator[PostgresUnit]:
        """Raises the errors of asyncpg while the database is unavailable."""
        async with self._lock:
            connection = await self._open()
            async with connection.transaction():
                yield PostgresUnit(group, connection)
                if not connection.is_closed() and not connection.is_in_transaction():
                    raise RuntimeError("the effect ended the transaction: its rows and the store's did not commit together")
                # Raises if the effect has caught a database error or the loss of the connection. After a database error,
                # COMMIT would roll back silently.
                await connection.execute("SELECT 1")

    async def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()

    async def _open(self) -> Connection:
        opened = self._opened
        # After a failed rollback the connection is still in a transaction; a new one would be a savepoint of it.
        # is_in_transaction raises for a closed connection.
        if opened is not None and (opened.is_closed() or opened.is_in_transaction()):
            self._opened = None
            opened.terminate()
        if self._opened is None:
            opened = await asyncpg.connect(self._dsn, **self._options)
            try:
                async with opened.transaction():
                    await opened.execute(_LOCK)
                    # CREATE TABLE IF NOT EXISTS requires the privilege to create tables even if they exist.
                    if await opened.fetchval("SELECT to_regclass('billing_handled') IS NULL"):
                        await opened.execute(TABLES)
                    if self._schema:
                        await opened.execute(self._schema)
            except BaseException:
                opened.terminate()
                raise
            self._opened = opened
        return self._opened
