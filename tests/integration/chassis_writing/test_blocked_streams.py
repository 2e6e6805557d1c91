"""Streams under review after a restore: nothing is appended until they are released, then after the last known sequence."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from billing_contracts.envelope import Envelope, EventData
from chassis.consumers import Received, UnitOfWork
from chassis.event_store.blocked_streams import (
    FORK,
    TOPIC_AHEAD,
    BlockedStream,
    LostEvent,
    NotBlocked,
    block,
    blocked_streams,
    release,
)
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.event_store.timers import TimerLoop
from chassis.eventsourcing.aggregate import Loaded
from chassis.eventsourcing.command_handler import CommandHandler, decide
from chassis.eventsourcing.event_store import Append, WriteSet
from chassis.eventsourcing.lost_events import StreamBlocked
from chassis.eventsourcing.outbox_message import to_recorded
from chassis.eventsourcing.stream import Stream
from support.databases import ServiceDatabase
from support.lamps import CONTEXT, LAMP, MERCHANT, NOON, Count, Lamp, LampSwitched, SwitchedOff, SwitchOn


@pytest.fixture
async def owner(service: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(service.owner_url)
    yield connection
    await connection.close()


def lost(stream: Stream, version: int, cause: UUID | None = None) -> LostEvent:
    """An event of the stream as it is read from the topic."""
    recorded = to_recorded(LAMP, CONTEXT, stream, version, SwitchedOff(NOON), Lamp(None, version))
    return LostEvent(stream.merchant_id, stream.name, version, recorded.event_id, cause, None, recorded.message)


async def block_ahead(owner: asyncpg.Connection, stream: Stream, store_version: int, *events: LostEvent) -> None:
    blocked = BlockedStream(MERCHANT, stream.name, TOPIC_AHEAD, store_version, store_version + len(events))
    async with owner.transaction():
        await block(owner, [blocked], events)


async def test_commands_to_a_blocked_stream_are_refused_until_it_is_released(
    owner: asyncpg.Connection, postgres_store: PostgresEventStore
) -> None:
    lamps, id = CommandHandler(postgres_store, LAMP), uuid4()
    stream = LAMP.stream(MERCHANT, id)
    await lamps.handle(CONTEXT, id, SwitchOn(NOON))
    await block_ahead(owner, stream, 1, lost(stream, 2), lost(stream, 3))
    with pytest.raises(StreamBlocked):
        await lamps.handle(CONTEXT, id, Count(NOON))
    async with owner.transaction():
        await release(owner, MERCHANT, stream.name, "the lamp is on, as customers see it")
    handled = await lamps.handle(CONTEXT, id, Count(NOON))
    assert handled.outcome is not None
    assert handled.outcome.version == 4
    [row] = await blocked_streams(owner)
    assert (row.store_version, row.topic_version, row.reason) == (1, 3, "the lamp is on, as customers see it")
    with pytest.raises(NotBlocked):
        await release(owner, MERCHANT, stream.name, "again")


async def test_a_stream_that_the_store_does_not_have_is_blocked_too(
    owner: asyncpg.Connection, postgres_store: PostgresEventStore
) -> None:
    lamps, id = CommandHandler(postgres_store, LAMP), uuid4()
    await block_ahead(owner, LAMP.stream(MERCHANT, id), 0, lost(LAMP.stream(MERCHANT, id), 1))
    with pytest.raises(StreamBlocked):
        await lamps.handle(CONTEXT, id, SwitchOn(NOON))


async def test_the_database_refuses_events_of_a_forked_stream_and_writes_the_others_of_its_group(
    owner: asyncpg.Connection, postgres_store: PostgresEventStore
) -> None:
    forked, other = LAMP.stream(MERCHANT, uuid4()), LAMP.stream(MERCHANT, uuid4())
    await postgres_store.write(_counted(forked, 0))
    async with owner.transaction():
        await block(owner, [BlockedStream(MERCHANT, forked.name, FORK, 1, 1)], [])
    with pytest.raises(StreamBlocked):
        await postgres_store.write(_counted(forked, 1))
    both = replace(_counted(other, 0), appends=(*_counted(other, 0).appends, *_counted(forked, 1).appends))
    with pytest.raises(StreamBlocked):
        await postgres_store.write(both)
    await postgres_store.write(_counted(other, 0))
    assert [len(events) for events in (await postgres_store.read_many([forked, other])).values()] == [1, 1]


async def test_timers_of_a_blocked_stream_wait(
    owner: asyncpg.Connection, postgres_store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    lamps, id = CommandHandler(postgres_store, LAMP), uuid4()
    stream = LAMP.stream(MERCHANT, id)
    await lamps.handle(CONTEXT, id, SwitchOn(NOON, minutes=5))
    await block_ahead(owner, stream, 1, lost(stream, 2))
    loop = TimerLoop(pool, [lamps])
    assert await loop.fire_due(MERCHANT, NOON + timedelta(hours=1)) == 0
    async with owner.transaction():
        await release(owner, MERCHANT, stream.name, "reviewed")
    assert await loop.fire_due(MERCHANT, NOON + timedelta(hours=1)) == 1


async def test_a_reaction_decides_again_only_if_its_event_did_not_lead_to_a_lost_one(
    owner: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    id, known, other = uuid4(), uuid4(), uuid4()
    stream = LAMP.stream(MERCHANT, id)
    await block_ahead(owner, stream, 0, lost(stream, 1, known))
    async with pool.acquire() as connection:
        unit = UnitOfWork(cast(asyncpg.Connection, connection))
        assert await unit.decide(LAMP, id, SwitchOn(NOON), cause=caused_by(known)) is None
        assert await unit.decided_before_restore(LAMP, id, cause=caused_by(known))
        assert not await unit.decided_before_restore(LAMP, id, cause=caused_by(other))
        with pytest.raises(StreamBlocked):
            await unit.decide(LAMP, id, SwitchOn(NOON), cause=caused_by(other))
        with pytest.raises(StreamBlocked):
            await unit.complete_state(LAMP, MERCHANT, id)
    async with owner.transaction():
        await release(owner, MERCHANT, stream.name, "reviewed")
    async with pool.acquire() as connection:
        unit = UnitOfWork(cast(asyncpg.Connection, connection))
        assert await unit.decide(LAMP, id, SwitchOn(NOON), cause=caused_by(known)) is None
        outcome = await unit.decide(LAMP, id, SwitchOn(NOON), cause=caused_by(other))
    assert outcome is not None
    assert outcome.version == 2


def caused_by(event_id: UUID) -> Received[EventData]:
    """An event of another service with this id."""
    recorded = to_recorded(LAMP, CONTEXT, LAMP.stream(MERCHANT, uuid4()), 1, SwitchedOff(NOON), Lamp(None, 1))
    envelope = Envelope.model_validate_json(recorded.message.value or b"").model_copy(update={"id": event_id})
    return Received(envelope, LampSwitched(on=True), "billing.lamps", 0, 0)


async def test_services_cannot_release_a_stream(owner: asyncpg.Connection, pool: asyncpg.Pool) -> None:
    stream = LAMP.stream(MERCHANT, uuid4())
    await block_ahead(owner, stream, 0, lost(stream, 1))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("DELETE FROM blocked_streams")


def _counted(stream: Stream, expected: int) -> WriteSet:
    state = Lamp(NOON, expected) if expected else None
    _, write_set = decide(LAMP, CONTEXT, Loaded(stream, expected, state), Count(NOON))
    assert isinstance(write_set.appends[0], Append)
    return write_set
