"""The worker that moves test clocks. A request in its own process wakes it; it polls for jobs of other processes."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from chassis.event_store.timers import TimerLoop
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.postgres.connection import Connection
from chassis.runtime.background import repeat, survives
from chassis.scope import scoped
from chassis.tenants import Tenants
from subscriptions.application.ports import ClockJobs
from subscriptions.application.test_clock import advance
from subscriptions.domain.merchant import commands as merchant_commands
from subscriptions.domain.merchant import events as merchant_events
from subscriptions.domain.merchant.merchant import Merchant
from subscriptions.domain.merchant.refusals import ClockRunsForward

POLL_SECONDS = 1.0
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.004, 0.25
"""Between two checks of charges that are under way."""
BATCH_SIZE = 4
"""Clocks that one process moves at a time. Each holds a connection."""


class ClockWorker:
    def __init__(
        self,
        pool: asyncpg.Pool,
        jobs: ClockJobs,
        tenants: Tenants,
        merchants: CommandHandler[merchant_commands.Command, merchant_events.Event, Merchant],
        timers: TimerLoop,
    ) -> None:
        self._pool, self._jobs, self._tenants, self._merchants, self._timers = pool, jobs, tenants, merchants, timers
        self._awake = asyncio.Event()
        self._moving: dict[UUID, asyncio.Task[None]] = {}

    def wake(self) -> None:
        self._awake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop`. The next process continues unfinished jobs."""

        async def step() -> float:
            self._awake.clear()
            for merchant_id in await self._jobs.unfinished():
                if merchant_id not in self._moving and len(self._moving) < BATCH_SIZE:
                    self._moving[merchant_id] = asyncio.create_task(self._move(merchant_id))
            return POLL_SECONDS

        await repeat("test-clock", step, stop, wake=self._awake)
        for task in self._moving.values():
            task.cancel()
        await asyncio.gather(*self._moving.values(), return_exceptions=True)

    async def _move(self, merchant_id: UUID) -> None:
        """Move the clock. After a failure the job is started again."""
        try:
            with scoped(merchant=merchant_id):
                if not await survives("test-clock", self._run_job(merchant_id)):
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            del self._moving[merchant_id]

    async def _run_job(self, merchant_id: UUID) -> None:
        async with self._pool.acquire() as connection, self._jobs.claimed(connection, merchant_id) as to:
            if to:
                clock = MerchantClock(merchant_id, connection, self._jobs, self._tenants, self._merchants, self._timers)
                await advance(clock, to)
                await self._jobs.finish(connection, merchant_id)


@dataclass(frozen=True)
class MerchantClock:
    """One merchant's clock, and the commands that wait for it."""

    merchant_id: UUID
    connection: Connection
    jobs: ClockJobs
    tenants: Tenants
    merchants: CommandHandler[merchant_commands.Command, merchant_events.Event, Merchant]
    timers: TimerLoop

    async def settled(self) -> None:
        pause = PAUSE_SECONDS_MIN
        while not await self.jobs.settled(self.connection, self.merchant_id):
            await asyncio.sleep(pause)
            pause = min(1.2 * pause, PAUSE_SECONDS_MAX)

    async def next_due(self) -> datetime | None:
        return await self.timers.next_due(self.merchant_id)

    async def now(self) -> datetime:
        return await self.tenants.now(self.merchant_id)

    async def set_clock(self, to: datetime) -> None:
        with suppress(ClockRunsForward):  # the clock has passed `to` meanwhile
            context = Context.beginning(self.merchant_id, "timer")
            await self.merchants.handle(context, self.merchant_id, merchant_commands.SetClock(to, datetime.now(UTC)))

    async def fire_due(self, now: datetime) -> None:
        await self.timers.fire_due(self.merchant_id, now)
