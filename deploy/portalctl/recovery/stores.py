"""The event store of one service, as far as a recovery reads and changes it. The caller is the tables' owner."""

import json
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from billing_contracts.registry import TOPICS
from chassis.eventsourcing.event_store import Message
from chassis.outbox.cursor import Ends, RelayPosition, move_cursor, read_cursor
from chassis.outbox.producer import Publisher
from portalctl.local.databases import connect
from portalctl.local.errors import StackError
from portalctl.recovery.classification import Name
from portalctl.recovery.servers import Servers

_CONNECT_SECONDS = 60
OWNERS = ("subscriptions", "payments", "invoicing")
"""The databases with an event store; each publishes on the topic of its name."""


def topic_of(database: str) -> str:
    return TOPICS[f"billing.{database}"].name


def service_of(database: str) -> str:
    return database.replace("_", "-")


@dataclass(frozen=True)
class Unsent:
    position: RelayPosition
    merchant_id: UUID
    stream: str
    version: int
    event_id: UUID
    message: Message


@dataclass
class Store:
    database: str
    connection: asyncpg.Connection
    cursor: RelayPosition
    ends: Ends
    """What the relay knows to have sent."""

    def sent_to(self, topic: str) -> dict[int, int]:
        return {int(partition): offset for partition, offset in self.ends.get(topic, {}).items()}

    async def stored_ids(self, ids: Collection[UUID]) -> set[UUID]:
        rows = await self.connection.fetch("SELECT event_id FROM events WHERE event_id = ANY($1::uuid[])", list(ids))
        return {row["event_id"] for row in rows}

    async def versions(self, streams: Collection[Name]) -> dict[Name, dict[int, UUID]]:
        """Version -> event id of each of these streams."""
        versions: dict[Name, dict[int, UUID]] = {name: {} for name in streams}
        rows = await self.connection.fetch(
            """
            SELECT merchant_id, stream, version, event_id FROM events
            JOIN unnest($1::uuid[], $2::text[]) AS requested (merchant_id, stream) USING (merchant_id, stream)
            """,
            [merchant_id for merchant_id, _ in streams],
            [stream for _, stream in streams],
        )
        for row in rows:
            versions[row["merchant_id"], row["stream"]][row["version"]] = row["event_id"]
        return versions

    async def unsent(self) -> list[Unsent]:
        """The events after the relay's cursor, in its order."""
        rows = await self.connection.fetch(
            """
            SELECT epoch, xid::text AS xid_text, position, merchant_id, stream, version, event_id, topic, headers, value,
                   convert_to(merchant_id || '/' || stream, 'UTF8') AS key
            FROM events WHERE (epoch, xid, position) > ($1, $2::text::xid8, $3) ORDER BY events.epoch, events.xid, events.position
            """,
            self.cursor.epoch,
            str(self.cursor.xid),
            self.cursor.position,
        )
        return [
            Unsent(
                RelayPosition(row["epoch"], int(row["xid_text"]), row["position"]),
                row["merchant_id"],
                row["stream"],
                row["version"],
                row["event_id"],
                Message(row["topic"], row["key"], row["value"], json.loads(row["headers"])),
            )
            for row in rows
        ]

    async def stream_count(self) -> int:
        count: int = await self.connection.fetchval("SELECT count(*) FROM (SELECT DISTINCT merchant_id, stream FROM events) AS s")
        return count

    async def is_marked(self) -> bool:
        marked: bool = await self.connection.fetchval("SELECT EXISTS (SELECT FROM restoration)")
        return marked

    async def send(self, publisher: Publisher, events: Sequence[Unsent], last: RelayPosition) -> None:
        """Send these events in place of the relay, and move its cursor to `last`, past those that must not be sent."""
        for topic, partitions in (await publisher.send([each.message for each in events])).items():
            self.ends.setdefault(topic, {}).update(partitions)
        await move_cursor(self.connection, last, self.ends)
        self.cursor = last


async def open_stores(servers: Servers, closing: AsyncExitStack) -> dict[str, Store]:
    """All four databases, each with its relay lock held, so that no service starts meanwhile.

    Raises StackError while a service runs, and for a database without the tables of this version.
    """
    stores: dict[str, Store] = {}
    own = servers.layout is not None and servers.layout.postgres is not None
    for name, url in servers.databases.items():
        try:
            connection = await connect(url, own=own, timeout=_CONNECT_SECONDS)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            raise StackError(f"the database {name} cannot be reached: {error or type(error).__name__}") from error
        closing.push_async_callback(connection.close)
        await _require_stopped(name, connection)
        if not await connection.fetchval("SELECT to_regclass('blocked_streams') IS NOT NULL"):
            raise StackError(f"the tables of {name} are of an older version: run `portalctl migrate` first")
        await connection.execute("SET application_name = 'portalctl recovery'")
        cursor, ends = await read_cursor(connection)
        stores[name] = Store(name, connection, cursor, ends)
    return stores


async def _require_stopped(database: str, connection: asyncpg.Connection) -> None:
    service = service_of(database)
    sessions = await connection.fetch(
        """
        SELECT DISTINCT application_name FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE $1 || '.%'
        """,
        service,
    )
    locked = await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"{service}.relay")
    if sessions or not locked:
        names = ", ".join(sorted(row["application_name"] for row in sessions)) or f"the relay of {service}"
        raise StackError(f"{service} runs ({names} uses its database): stop all services first")
