"""Moving a sandbox's clock: nothing that was due on the way is skipped, and all happens in its order."""

from datetime import datetime
from typing import Protocol


class MerchantTime(Protocol):
    """One merchant's billing, as far as its clock moves it."""

    async def settled(self) -> None:
        """Returns once no charge is without its outcome."""

    async def next_due(self) -> datetime | None:
        """The earliest instant that anything waits for."""

    async def now(self) -> datetime: ...

    async def set_clock(self, to: datetime) -> None: ...

    async def fire_due(self, now: datetime) -> None:
        """Gives every command that is due at `now`."""


async def advance(world: MerchantTime, to: datetime) -> None:
    """Brings the clock to `to`, by way of everything that is due until then. May be broken off and begun again."""
    while True:
        await world.settled()
        due, now = await world.next_due(), await world.now()
        if due is None or due > max(to, now):
            break
        if due > now:
            await world.set_clock(due)
        await world.fire_due(max(due, now))
    if to > now:
        await world.set_clock(to)
