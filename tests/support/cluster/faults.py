"""A fault in a cluster that 50 customers use, and what must hold after it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from support.cluster.cluster import Cluster
from support.cluster.figures import Row
from support.cluster.load import (
    Measurement,
    Shopper,
    advance_clock,
    assert_charged_once,
    assert_kept,
    change_card,
    in_use,
    shoppers,
    switch_cancellation,
)
from support.system_stack import JANUARY, Shop, shop

FULL = bool(os.environ.get("FULL"))
CUSTOMERS = 25
_SETTLE_SECONDS = 10 if FULL else 4
"""Of use before and after each fault."""


@dataclass
class ClusterInUse:
    cluster: Cluster
    changing: list[Shopper]
    """Customers who cancel and withdraw. The clock of their merchant stands still."""
    renewing: list[Shopper]
    """Customers who change their card. Their subscriptions renew during each fault."""
    renewals: Shop
    rows: list[Row] = field(default_factory=list)
    periods: int = 1

    @asynccontextmanager
    async def fault(self, name: str) -> AsyncIterator[None]:
        """The block breaks something and repairs it while customers use the portal and all of a merchant's subscriptions renew.

        Then no accepted command is lost, nothing is charged twice, and `verify` is clean.
        """
        async with in_use([*self.changing, *self.renewing]) as measurement:
            await asyncio.sleep(_SETTLE_SECONDS)
            renewing = asyncio.create_task(advance_clock(self.renewals, self._next_renewal()))
            try:
                yield
            finally:
                await renewing
            await asyncio.sleep(_SETTLE_SECONDS)
            row = Row(name, measurement, asyncio.get_running_loop().time())
        print(row, flush=True)  # noqa: T201  # `make reliability` shows it
        self.rows.append(row)
        await self._assert_nothing_lost(measurement)

    async def renew(self) -> None:
        """Customers use the portal, and all of a merchant's subscriptions renew."""
        async with in_use([*self.changing, *self.renewing]) as measurement:
            await advance_clock(self.renewals, self._next_renewal())
        await self._assert_nothing_lost(measurement)

    def _next_renewal(self) -> datetime:
        self.periods += 1
        years, months = divmod(self.periods - 1, 12)
        return JANUARY.replace(year=JANUARY.year + years, month=1 + months, hour=JANUARY.hour + 1)

    async def _assert_nothing_lost(self, measurement: Measurement) -> None:
        for shopper in [*self.changing, *self.renewing]:
            await assert_kept(shopper)
        for shopper in self.renewing:
            await assert_charged_once(shopper, self.periods)
        verified = await self.cluster.portalctl("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert any(served for _, served in measurement.pages)
        assert any(served for _, served in measurement.commands)


@asynccontextmanager
async def used_by_customers(cluster: Cluster, customers: int = CUSTOMERS) -> AsyncIterator[ClusterInUse]:
    """`customers` of each of two merchants."""
    async with AsyncExitStack() as closing:
        changes = await closing.enter_async_context(shop(cluster.stack))
        renewals = await closing.enter_async_context(shop(cluster.stack))
        changing = await closing.enter_async_context(shoppers(changes, customers, switch_cancellation))
        renewing = await closing.enter_async_context(shoppers(renewals, customers, change_card))
        yield ClusterInUse(cluster, changing, renewing, renewals)
