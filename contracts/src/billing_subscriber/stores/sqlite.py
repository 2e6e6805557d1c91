"""One SQLite file. Requires only the standard library."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from billing_subscriber.positions import Position

TABLES = """
CREATE TABLE IF NOT EXISTS billing_handled (
    consumer TEXT NOT NULL,
    event_id TEXT NOT NULL,
    handled_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (consumer, event_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS billing_positions (
    consumer TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    aggregate TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    missing TEXT NOT NULL,
    PRIMARY KEY (consumer, merchant_id, aggregate)
) WITHOUT ROWID;
"""
_LOCK_TIMEOUT_SECONDS = 0.2
"""How long a statement waits for another process's lock. A longer wait would delay Kafka's heartbeats."""


class SqliteUnit:
    def __init__(self, group: str, connection: sqlite3.Connection) -> None:
        self._group, self._connection = group, connection

    @property
    def tx(self) -> sqlite3.Connection:
        return self._connection

    async def claim(self, event_id: UUID) -> bool:
        sql = "INSERT INTO billing_handled (consumer, event_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
        return self._connection.execute(sql, (self._group, str(event_id))).rowcount == 1

    async def position(self, merchant_id: UUID, aggregate: str) -> Position:
        sql = "SELECT sequence, missing FROM billing_positions WHERE consumer = ? AND merchant_id = ? AND aggregate = ?"
        row = self._connection.execute(sql, (self._group, str(merchant_id), aggregate)).fetchone()
        return Position(row[0], tuple(map(tuple, json.loads(row[1])))) if row else Position()

    async def move(self, merchant_id: UUID, aggregate: str, position: Position) -> None:
        sql = "INSERT OR REPLACE INTO billing_positions VALUES (?, ?, ?, ?, ?)"
        row = (self._group, str(merchant_id), aggregate, position.sequence, json.dumps(position.missing))
        self._connection.execute(sql, row)

    async def forget(self) -> None:
        for table in ("billing_handled", "billing_positions"):
            self._connection.execute(f"DELETE FROM {table} WHERE consumer = ?", (self._group,))


class SqliteStore:
    """Effects receive a `sqlite3.Connection` in a transaction, which they must not commit or roll back.

    `schema`: statements that create the subscriber's own tables if they do not exist; executed at each open.
    """

    def __init__(self, path: str | Path, schema: str = "") -> None:
        self._path, self._schema = path, schema
        self._opened: sqlite3.Connection | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def unit(self, group: str) -> AsyncIterator[SqliteUnit]:
        """Raises sqlite3.OperationalError while another process holds the lock."""
        async with self._lock:
            connection = self._open()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield SqliteUnit(group, connection)
                if not connection.in_transaction:
                    raise RuntimeError("the effect ended the transaction: its rows and the store's did not commit together")
                connection.execute("COMMIT")
            except sqlite3.OperationalError:
                await self.close()  # rolls back; the next unit opens the file again
                raise
            finally:
                if connection is self._opened and connection.in_transaction:
                    connection.execute("ROLLBACK")

    async def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _open(self) -> sqlite3.Connection:
        if self._opened is None:
            opened = sqlite3.connect(self._path, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None)
            try:
                opened.executescript(TABLES + self._schema)
            except sqlite3.Error:
                opened.close()
                raise
            self._opened = opened
        return self._opened
