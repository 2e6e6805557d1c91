"""Growing: what one request, one command and one renewal cost among a thousand customers, and among many.

Cost is processor time of all processes together: sizes are measured minutes apart, and how quick the machine is just then
must not count as growth. How long each takes is reported beside it.
"""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle, islice, takewhile
from typing import Any, Final

from bench.clones import Original, Said, copies, insert, original
from bench.crowd import changes_of_mind
from bench.load import Call, load
from bench.measuring import Figures, Line, Row, Target
from bench.renewals import due_by_the_month, fetch_value, prepare_due, renew, vacuum
from bench.stack import PROCESSES, Customer, Shop, asked_as, portal, processes, until_quiet
from bench.usage import Meter, memory

FIRST: Final = 1_000
AT_ONCE: Final = 5_000
"""Customers made in memory before they are written."""
VISITORS: Final = 40
REQUESTS: Final = 3_000
STREAMS: Final = 1_000
DUE: Final = 2_000
CONNECTIONS: Final = 8


@dataclass(slots=True)
class Town:
    """The merchant's customers: most of them pay by the year, and those who are to renew pay by the month."""

    shop: Shop
    yearly: Original
    monthly: Original
    customers: int = 0
    known: list[Said] = field(default_factory=list)
    """Some of the last who came."""


@asynccontextmanager
async def opened(last: int = 100_000) -> AsyncIterator[Row]:
    """From a thousand customers to `last`, tenfold each time."""
    sizes = list(takewhile(lambda size: size <= last, (FIRST * 10**n for n in count())))
    async with portal() as seller:
        town = await _founded(seller)
        # Once each: a town does not shrink again.
        yield Row([partial(_grown, town, size) for size in sizes], _lines(sizes), rounds=1)


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


async def _founded(seller: Shop) -> Town:
    body: dict[str, Any] = {"name": "Premium Anual", "description": "Suscripción anual renovable"}
    body |= {"price": {"amount_minor": 29990, "currency": "USD"}, "interval": {"unit": "year", "count": 1}}
    yearly = await dataclasses.replace(seller, plan=await seller.backend.create("plans", body)).customer()
    monthly = await seller.customer()
    await until_quiet(seller.stack)
    first = await original(yearly)
    return Town(seller, first, await due_by_the_month(monthly))


async def _grown(town: Town, size: int) -> Figures:
    before, arriving = await _bytes(town.shop), size - town.customers
    while town.customers < size:
        town.known = copies(town.yearly, min(AT_ONCE, size - town.customers))
        await insert(town.yearly, town.known)
        town.customers += len(town.known)
    await vacuum(town.shop.stack)
    figures = {"customer": (await _bytes(town.shop) - before) / arriving}
    if size == FIRST:
        figures |= {f"{name}, rest": used for name, used in memory(processes(town.shop.stack)).items()}
    # The very first are slower, of any number: only what has been done before is compared.
    for _ in range(2 if size == FIRST else 1):
        figures |= await _overview(town, f"overview of {size}")
        figures |= await _command(town, f"command of {size}")
        figures |= await _renewal(town, f"renewal of {size}")
    return figures | {"event": await _event(town.shop)}


async def _overview(town: Town, name: str) -> Figures:
    """Requests of some customers in turn."""
    url, calls = town.shop.stack.urls["portal-gateway"], []
    async with AsyncExitStack() as visits:
        for said in town.known[:VISITORS]:
            visit = await visits.enter_async_context(Customer(town.shop, said["customer"], said["subscription"]).portal())
            calls.append(Call.of("GET", f"{url}/api/overview", asked_as(visit)))
        await load(url, islice(cycle(calls), VISITORS), connections=CONNECTIONS)
        meter = Meter(processes(town.shop.stack))
        (await load(url, islice(cycle(calls), REQUESTS), connections=CONNECTIONS)).expect(200)
        meter.done()
        return meter.each(name, REQUESTS)


async def _command(town: Town, name: str) -> Figures:
    """Subscriptions are cancelled and every cancellation is withdrawn, until all who listen have heard of it."""
    url = town.shop.stack.urls["subscriptions"]
    calls = changes_of_mind(town.shop, [said["subscription"] for said in town.known[:STREAMS]])
    meter = Meter(processes(town.shop.stack))
    (await load(url, islice(calls, 2 * STREAMS), connections=CONNECTIONS)).expect(200, 202)
    meter.done()
    await until_quiet(town.shop.stack)
    return meter.each(name, 2 * STREAMS)


async def _renewal(town: Town, name: str) -> Figures:
    """Many are due at once: invoiced, charged, paid, and known to be by the subscription."""
    due = await prepare_due(town.monthly, DUE)
    before, most = await _bytes(town.shop), memory(processes(town.shop.stack))

    def look() -> None:
        for each, used in memory(processes(town.shop.stack)).items():
            most[each] = max(most[each], used)

    figures = await renew(name, town.monthly, due, look)
    grown = {"renewal, bytes": (await _bytes(town.shop) - before) / DUE}
    return {**figures, **grown, **{f"{each}, load": used for each, used in most.items()}}


async def _bytes(shop: Shop) -> int:
    return sum([await fetch_value(url, "SELECT pg_database_size(current_database())") for url in _databases(shop)])


async def _event(shop: Shop) -> float:
    """Bytes of an event on disk, the mean over all services."""
    size = sum([await fetch_value(url, "SELECT pg_total_relation_size('events')") for url in _databases(shop)])
    return float(size / sum([await fetch_value(url, "SELECT count(*) FROM events") for url in _databases(shop)]))


def _databases(shop: Shop) -> list[str]:
    return list(shop.stack.state["postgres"].values())
