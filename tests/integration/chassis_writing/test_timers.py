"""Timers fire when they are due by their merchant's clock."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.event_store.postgres_store import PostgresEventStore
from chassis.event_store.timers import TimerLoop, TimersStuck
from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Timer, WriteSet
from support.lamps import LAMP, MERCHANT, NOON, Command, Event, Lamp, SwitchOff, SwitchOn

HOUR = timedelta(hours=1)
LAMP_THAT_STAYS_ON: Aggregate[Command, Event, Lamp] = replace(LAMP, on_timer=lambda _, __, now: SwitchOn(now))


@pytest.fixture
def lamps(postgres_store: PostgresEventStore) -> CommandHandler[Command, Event, Lamp]:
    return CommandHandler(postgres_store, LAMP)


@pytest.fixture
def loop(pool: asyncpg.Pool, lamps: CommandHandler[Command, Event, Lamp]) -> TimerLoop:
    return TimerLoop(pool, [lamps])


async def switch_on(lamps: CommandHandler[Command, Event, Lamp], at: datetime, merchant: UUID = MERCHANT) -> UUID:
    id = uuid4()
    await lamps.handle(Context.beginning(merchant, "operator"), id, SwitchOn(at))
    return id


async def set_clock(pool: asyncpg.Pool, merchant: UUID, now: datetime) -> None:
    offset = (now - datetime.now(UTC)).total_seconds()
    await pool.execute(
        """
        INSERT INTO projection (merchant_id, name, aggregate, sequence, event_id, doc)
        VALUES ($1, 'merchant', 'merchant', 1, $2, jsonb_build_object('clock_offset_seconds', $3::float8))
        """,
        merchant,
        uuid4(),
        offset,
    )


async def version_after_run(
    loop: TimerLoop, lamps: CommandHandler[Command, Event, Lamp], id: UUID, merchant: UUID = MERCHANT
) -> int:
    """Run the loop for 0.7 s, then return the lamp's version."""
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await asyncio.sleep(0.7)
    stop.set()
    await running
    return (await lamps.state(merchant, id))[0]


async def test_a_due_timer_fires_and_is_cleared(
    loop: TimerLoop, lamps: CommandHandler[Command, Event, Lamp], pool: asyncpg.Pool
) -> None:
    id = await switch_on(lamps, NOON)
    assert await version_after_run(loop, lamps, id) == 2
    assert await pool.fetchval("SELECT count(*) FROM timers") == 0


async def test_a_timer_that_is_not_due_does_not_fire(loop: TimerLoop, lamps: CommandHandler[Command, Event, Lamp]) -> None:
    id = await switch_on(lamps, datetime.now(UTC))
    assert await version_after_run(loop, lamps, id) == 1


async def test_timers_follow_their_merchants_clock(
    loop: TimerLoop, lamps: CommandHandler[Command, Event, Lamp], pool: asyncpg.Pool
) -> None:
    early, late = uuid4(), uuid4()
    await set_clock(pool, early, NOON)
    await set_clock(pool, late, NOON + 2 * HOUR)
    not_due, due = await switch_on(lamps, NOON, early), await switch_on(lamps, NOON, late)
    assert (await version_after_run(loop, lamps, not_due, early), await version_after_run(loop, lamps, due, late)) == (1, 2)


async def test_competing_loops_fire_each_timer_once(pool: asyncpg.Pool, lamps: CommandHandler[Command, Event, Lamp]) -> None:
    ids = await asyncio.gather(
        *(switch_on(lamps, NOON, uuid4()) for _ in range(5)), *(switch_on(lamps, NOON) for _ in range(200))
    )
    loops = [TimerLoop(pool, [lamps]) for _ in range(3)]
    await asyncio.gather(*(version_after_run(loop, lamps, ids[0]) for loop in loops))
    assert await pool.fetchval("SELECT count(*) FROM timers") == 0
    assert await pool.fetchval("SELECT max(version) FROM events") == 2


async def test_a_timer_fires_again_after_its_lease_has_ended(
    loop: TimerLoop, lamps: CommandHandler[Command, Event, Lamp], pool: asyncpg.Pool
) -> None:
    held, lost = await switch_on(lamps, NOON), await switch_on(lamps, NOON)
    lease = "UPDATE timers SET leased_until = now() + make_interval(secs => $2) WHERE id = $1"
    await pool.execute(lease, held, 10.0)
    await pool.execute(lease, lost, -1.0)
    assert await version_after_run(loop, lamps, lost) == 2
    assert (await lamps.state(MERCHANT, held))[0] == 1


async def test_a_timer_that_the_state_does_not_have_is_cleared(
    loop: TimerLoop, lamps: CommandHandler[Command, Event, Lamp], postgres_store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    id = await switch_on(lamps, NOON)
    await lamps.handle(Context.beginning(MERCHANT, "operator"), id, SwitchOff(NOON))
    await postgres_store.write(WriteSet(set_timers=(Timer(LAMP.stream(MERCHANT, id), "burnt down", NOON),)))
    assert await version_after_run(loop, lamps, id) == 2
    assert await pool.fetchval("SELECT count(*) FROM timers") == 0


async def test_next_due_and_fire_due_serve_test_clocks(loop: TimerLoop, lamps: CommandHandler[Command, Event, Lamp]) -> None:
    future = datetime.now(UTC) + timedelta(days=300)
    id = await switch_on(lamps, future)
    assert await loop.next_due(MERCHANT) == future + HOUR
    assert await loop.fire_due(MERCHANT, future) == 0
    assert await loop.fire_due(MERCHANT, future + HOUR) == 1
    assert await loop.next_due(MERCHANT) is None
    assert (await lamps.state(MERCHANT, id))[1] == Lamp(None, 2)


async def test_a_timer_that_stays_due_raises_timers_stuck(
    loop: TimerLoop, lamps: CommandHandler[Command, Event, Lamp], pool: asyncpg.Pool
) -> None:
    await switch_on(lamps, NOON)
    await pool.execute("UPDATE timers SET due_at = $1", NOON - HOUR)
    assert await loop.fire_due(MERCHANT, NOON) == 1  # due too early: it is corrected
    assert await loop.next_due(MERCHANT) == NOON + HOUR
    stubborn = TimerLoop(pool, [CommandHandler(lamps.store, LAMP_THAT_STAYS_ON)])
    with pytest.raises(TimersStuck):
        await stubborn.fire_due(MERCHANT, NOON + HOUR)
