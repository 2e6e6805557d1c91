"""The test clock stops at every instant at which something is due, in order, and never moves while a charge is open."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from subscriptions.application.test_clock import advance

START = datetime(2023, 1, 1, tzinfo=UTC)


def at(days: float) -> datetime:
    return START + timedelta(days=days)


@dataclass
class Ledger:
    """A world with timers that open charges when they fire; the charges last until a caller waits for them."""

    timers: list[datetime]
    every: timedelta | None = None
    clock: datetime = START
    charges: int = 0
    fired: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def settled(self) -> None:
        if self.charges and self.every:
            self.timers.append(self.fired[-1][0] + self.every)
        self.charges = 0

    async def next_due(self) -> datetime | None:
        assert not self.charges, "a charge is open"
        return min(self.timers, default=None)

    async def now(self) -> datetime:
        return self.clock

    async def set_clock(self, to: datetime) -> None:
        assert to > self.clock, "the clock only runs forward"
        self.clock = to

    async def fire_due(self, now: datetime) -> None:
        due = sorted(timer for timer in self.timers if timer <= now)
        self.timers = [timer for timer in self.timers if timer > now]
        self.fired += [(timer, now) for timer in due]
        self.charges = len(due)


async def test_renewals_are_fired_in_order_until_the_clock_reaches_its_target() -> None:
    world = Ledger([at(10)], every=timedelta(days=10))
    await advance(world, at(45))
    assert world.fired == [(at(n), at(n)) for n in (10, 20, 30, 40)]
    assert (world.clock, world.timers) == (at(45), [at(50)])


async def test_overdue_commands_are_given_now() -> None:
    world = Ledger([at(-3)])
    await advance(world, at(1))
    assert world.fired == [(at(-3), at(0))]


async def test_an_instant_in_the_past_only_waits_until_charges_are_settled() -> None:
    world = Ledger([at(5)])
    await advance(world, at(-1))
    assert (world.clock, world.fired) == (START, [])


async def test_advancing_to_the_same_instant_again_changes_nothing() -> None:
    world = Ledger([at(10)], every=timedelta(days=10))
    await advance(world, at(45))
    await advance(world, at(45))
    assert len(world.fired) == 4


@given(st.lists(st.floats(-5, 40), max_size=20), st.floats(-5, 40))
async def test_everything_due_by_the_target_is_fired_in_order(timers: list[float], to: float) -> None:
    world = Ledger([at(timer) for timer in timers])
    await advance(world, at(to))
    due = sorted(at(timer) for timer in timers if at(timer) <= max(at(to), START))
    assert [timer for timer, _ in world.fired] == due
    assert all(timer == now or timer < START == now for timer, now in world.fired)
