"""Renewals of many subscriptions that are due at once, until each is paid."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final

import asyncpg

from bench.clones import Original, Values, copies, insert, original
from bench.measuring import Figures
from bench.stack import Shop, processes, until_quiet
from bench.usage import Meter
from support.system_stack import JANUARY, Customer, Stack

_POLL_SECONDS: Final = 0.5


async def due_by_the_month(monthly: Customer) -> Original:
    """A customer to copy, with the clock moved by a month, so that a copy is due as soon as its timer is written."""
    await until_quiet(monthly.shop.stack)
    customer = await original(monthly)
    await monthly.shop.clock(JANUARY + timedelta(days=32))
    return customer


async def prepare_due(of: Original, count: int) -> list[Values]:
    """Create copies that are due as soon as `renew` writes their timers."""
    due = copies(of, count)
    await insert(of, due, but=("timers",))
    await vacuum(of.shop.stack)
    return due


async def renew(name: str, of: Original, due: list[Values], look: Callable[[], None] = lambda: None) -> Figures:
    """Write the timers and wait until every subscription has recorded the payment of its renewal. `look` is called meanwhile."""
    stack = of.shop.stack
    watching = await asyncpg.connect(stack.state["postgres"]["subscriptions"])
    try:
        meter = Meter(processes(stack))
        await insert(of, due, only=("timers",))
        while await count_paid(watching, of.shop, [values["subscription"] for values in due], periods=2) < len(due):
            await asyncio.sleep(_POLL_SECONDS)
            look()
        meter.done()
    finally:
        await watching.close()
    await until_quiet(stack)
    return meter.each(name, len(due))


async def vacuum(stack: Stack) -> None:
    """Vacuum now, instead of by autovacuum during a measurement."""
    for url in stack.state["postgres"].values():
        await fetch_value(url, "VACUUM ANALYZE")
    await until_quiet(stack)


async def fetch_value(url: str, sql: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def count_paid(watching: asyncpg.Connection, shop: Shop, subscriptions: Iterable[str], periods: int) -> int:
    """The number of subscriptions with this many paid periods: one event for the start and two for each period."""
    sql = """
        SELECT count(*) FROM unnest($2::text[]) AS requested (stream)
        WHERE EXISTS (SELECT FROM events WHERE merchant_id = $1 AND events.stream = requested.stream AND version = $3)
    """
    streams = [f"subscription-{subscription}" for subscription in subscriptions]
    return int(await watching.fetchval(sql, shop.id, streams, 1 + 2 * periods))
