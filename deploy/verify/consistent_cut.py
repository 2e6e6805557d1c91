"""The cut of a live system: it records positions and waits until everything before them has its effects."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import asyncpg
from aiokafka import AIOKafkaConsumer

from portalctl.local.errors import StackError
from verify.consumers import SERVICE_CONSUMERS
from verify.rows import Cut, Partition, Position
from verify.topics import ends_of

Progress = Callable[[str], None]
Connections = Mapping[str, asyncpg.Connection]

_POLL_SECONDS = 0.2


async def make_cut(connections: Connections, kafka: AIOKafkaConsumer, patience: float, progress: Progress) -> Cut:
    """Raises StackError with the relays and consumers that are behind after `patience` seconds."""
    deadline = time.monotonic() + patience
    committed = {name: await _last_event(connection) for name, connection in connections.items()}
    states = {name: await _last_state(connection) for name, connection in connections.items()}

    async def unsent() -> list[str]:
        behind = [await _unsent(name, each, committed[name], states[name]) for name, each in connections.items()]
        return [line for line in behind if line]

    await _until_none(unsent, deadline, patience, progress)
    ends = await ends_of(kafka)

    async def unread() -> list[str]:
        behind = [
            await _unread(connections[each.database], each.consumer.group, each.consumer.topics, ends)
            for each in SERVICE_CONSUMERS
        ]
        return [line for line in behind if line]

    await _until_none(unread, deadline, patience, progress)
    return Cut(committed, ends)


async def _until_none(behind: Callable[[], Awaitable[list[str]]], deadline: float, patience: float, progress: Progress) -> None:
    while lagging := await behind():
        progress("; ".join(lagging))
        if time.monotonic() > deadline:
            raise StackError(f"not read to the end within {patience:.0f} s: {'; '.join(lagging)}. Do all services run?")
        await asyncio.sleep(_POLL_SECONDS)


async def _last_event(connection: asyncpg.Connection) -> Position:
    row = await connection.fetchrow(
        """
        SELECT epoch, xid::text AS text, position FROM events
        ORDER BY events.epoch DESC, events.xid DESC, events.position DESC LIMIT 1
        """
    )
    return (row["epoch"], int(row["text"]), row["position"]) if row else (0, 0, 0)


async def _last_state(connection: asyncpg.Connection) -> int:
    last: int = await connection.fetchval("SELECT coalesce(max(position), 0) FROM outbox")
    return last


async def _unsent(name: str, connection: asyncpg.Connection, event: Position, state: int) -> str | None:
    epoch, xid, position = event
    waiting = await connection.fetchval(
        """
        SELECT (
            SELECT count(*) FROM events, relay
            WHERE (events.epoch, events.xid, events.position) > (relay.epoch, relay.xid, relay.position)
              AND (events.epoch, events.xid, events.position) <= ($1, $2::text::xid8, $3)
        ) + (SELECT count(*) FROM outbox WHERE position <= $4)
        """,
        epoch,
        str(xid),
        position,
        state,
    )
    return f"{name} has {waiting} messages to send" if waiting else None


async def _unread(connection: asyncpg.Connection, group: str, topics: Sequence[str], ends: Mapping[Partition, int]) -> str | None:
    rows = await connection.fetch("SELECT topic, partition, next FROM offsets WHERE consumer_group = $1", group)
    read = {(row["topic"], row["partition"]): row["next"] for row in rows}
    missing = sum(max(0, end - read.get(place, 0)) for place, end in ends.items() if place[0] in topics)
    return f"{group} has {missing} records to read" if missing else None
