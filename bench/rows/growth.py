"""Growth: the cost of a request, a command and a renewal with a thousand customers and with many.

Cost is the processor time of all processes: the sizes are measured minutes apart, and the speed of the machine at each time
must not count as growth. The elapsed time is reported beside it.
"""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle, islice, takewhile
from typing import Any, Final

from bench.clones import Original, Values, copies, insert, original
from bench.crowd import cancel_and_withdraw
from bench.load import Call, load
from bench.measuring import Figures, Line, Row, Target
from bench.renewals import due_by_the_month, fetch_value, prepare_due, renew, vacuum
from bench.stack import PROCESSES, Customer, Shop, browser_headers, portal, processes, until_quiet
from bench.usage import Meter, memory

FIRST: Final = 1_000
BATCH: Final = 5_000
"""Customers created in memory before they are written."""
VISITORS: Final = 40
REQUESTS: Final = 3_000
STREAMS: Final = 1_000
DUE: Final = 2_000
CONNECTIONS: Final = 8


@dataclass(slots=True)
class Market:
    """The merchant's customers. Most have yearly subscriptions; those that renew have monthly ones."""

    shop: Shop
    yearly: Original
    monthly: Original
    customers: int = 0
    known: list[Values] = field(default_factory=list)
    """Some of the customers added last."""


@asynccontextmanager
async def opened(last: int = 100_000) -> AsyncIterator[Row]:
    """From a thousand customers to `last`, in steps of ten times."""
    sizes = list(takewhile(lambda size: size <= last, (FIRST * 10**n for n in count())))
    async with portal() as seller:
        market = await _create_market(seller)
        # One round, because the number of customers cannot shrink.
        yield Row([partial(_grow, market, size) for size in sizes], _lines(sizes), rounds=1)


def _lines(sizes: Sequence[int]) -> list[Line]:
    lines = []
    for what in ("overview", "command", "renewal"):
        for size in sizes[1:]:
            target = Target(at_most=1.2) if size == sizes[-1] else None
            text = f"{what}: processor time among {size:,} ÷ among {FIRST:,}"
            lines.append(Line(text, f"{what} of {size}, CPU", f"{what} of {FIRST}, CPU", "µs", target))
        took = f"{what} of {sizes[-1]}, took", f"{what} of {FIRST}, took"
        lines.append(Line(f"{what}: time it takes among {sizes[-1]:,} ÷ among {FIRST:,}", *took, "ms"))
    lines.append(Line("an event with its indexes, on disk", "event", unit="bytes"))
    lines.append(Line("a customer with one invoice, in all databases", "customer", unit="bytes"))
    lines.append(Line("a renewal until it is paid, in all databases", "renewal, bytes", unit="bytes"))
    lines += [Line(f"memory of {name}, under load ÷ at rest", f"{name}, load", f"{name}, rest", "MiB") for name in PROCESSES]
    return lines


async def _create_market(seller: Shop) -> Market:
    body: dict[str, Any] = {"name": "Premium Anual", "description": "Suscripción anual renovable"}
    body |= {"price": {"amount_minor": 29990, "currency": "USD"}, "interval": {"unit": "year", "count": 1}}
    yearly = await dataclasses.replace(seller, plan=await seller.backend.create("plans", body)).customer()
    monthly = await seller.customer()
    await until_quiet(seller.stack)
    first = await original(yearly)
    return Market(seller, first, await due_by_the_month(monthly))


async def _grow(market: Market, size: int) -> Figures:
    before, arriving = await _bytes(market.shop), size - market.customers
    while market.customers < size:
        market.known = copies(market.yearly, min(BATCH, size - market.customers))
        await insert(market.yearly, market.known)
        market.customers += len(market.known)
    await vacuum(market.shop.stack)
    figures = {"customer": (await _bytes(market.shop) - before) / arriving}
    if size == FIRST:
        figures |= {f"{name}, rest": used for name, used in memory(processes(market.shop.stack)).items()}
    # The first run after a start is slower, so the first size runs twice.
    for _ in range(2 if size == FIRST else 1):
        figures |= await _overview(market, f"overview of {size}")
        figures |= await _command(market, f"command of {size}")
        figures |= await _renewal(market, f"renewal of {size}")
    return figures | {"event": await _event(market.shop)}


async def _overview(market: Market, name: str) -> Figures:
    """Requests of some customers in rotation."""
    url, calls = market.shop.stack.urls["portal-gateway"], []
    async with AsyncExitStack() as visits:
        for values in market.known[:VISITORS]:
            visit = await visits.enter_async_context(Customer(market.shop, values["customer"], values["subscription"]).portal())
            calls.append(Call.of("GET", f"{url}/api/overview", browser_headers(visit)))
        await load(url, islice(cycle(calls), VISITORS), connections=CONNECTIONS)
        meter = Meter(processes(market.shop.stack))
        (await load(url, islice(cycle(calls), REQUESTS), connections=CONNECTIONS)).expect(200)
        meter.done()
        return meter.each(name, REQUESTS)


async def _command(market: Market, name: str) -> Figures:
    """Cancel subscriptions and withdraw every cancellation, until all consumers have finished."""
    url = market.shop.stack.urls["subscriptions"]
    calls = cancel_and_withdraw(market.shop, [values["subscription"] for values in market.known[:STREAMS]])
    meter = Meter(processes(market.shop.stack))
    (await load(url, islice(calls, 2 * STREAMS), connections=CONNECTIONS)).expect(200, 202)
    meter.done()
    await until_quiet(market.shop.stack)
    return meter.each(name, 2 * STREAMS)


async def _renewal(market: Market, name: str) -> Figures:
    """Renew many subscriptions that are due at once, until each has recorded its payment."""
    due = await prepare_due(market.monthly, DUE)
    before, most = await _bytes(market.shop), memory(processes(market.shop.stack))

    def look() -> None:
        for each, used in memory(processes(market.shop.stack)).items():
            most[each] = max(most[each], used)

    figures = await renew(name, market.monthly, due, look)
    grown = {"renewal, bytes": (await _bytes(market.shop) - before) / DUE}
    return {**figures, **grown, **{f"{each}, load": used for each, used in most.items()}}


async def _bytes(shop: Shop) -> int:
    return sum([await fetch_value(url, "SELECT pg_database_size(current_database())") for url in _databases(shop)])


async def _event(shop: Shop) -> float:
    """Bytes of an event on disk, the mean over all services."""
    size = sum([await fetch_value(url, "SELECT pg_total_relation_size('events')") for url in _databases(shop)])
    return float(size / sum([await fetch_value(url, "SELECT count(*) FROM events") for url in _databases(shop)]))


def _databases(shop: Shop) -> list[str]:
    return list(shop.stack.state["postgres"].values())
