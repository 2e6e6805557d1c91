"""The overview as JSON and the page as HTML, compared with hello-world and a document read by its key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import repeat
from typing import Final

from bench.hello import hello_world
from bench.load import Call, load, rate_of
from bench.measuring import Figures, Line, Row, Target, percentiles
from bench.stack import Shop, browser_headers, portal, processes
from bench.usage import Processes
from support.system_stack import JANUARY

CONNECTIONS: Final = 32
SECONDS: Final = 5
SHARE: Final = 0.7
"""Share of the highest rate at which latency is measured."""
GATEWAY: Final = "portal-gateway"
HELLO: Final = "hello-world"
DOCUMENT: Final = "one document"


@dataclass(frozen=True, slots=True)
class Endpoint:
    url: str
    call: Call
    processes: Processes


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with portal() as seller, visitor(seller) as endpoints:
        yield Row([partial(_measured, name, each) for name, each in endpoints.items()], _lines())


@asynccontextmanager
async def visitor(seller: Shop) -> AsyncIterator[dict[str, Endpoint]]:
    """The endpoints of both sides by figure: a customer with twelve renewals, and the compared servers."""
    stack, customer = seller.stack, await seller.customer()
    await seller.clock(JANUARY + timedelta(days=375))
    database = stack.state["postgres"][GATEWAY.replace("-", "_")]
    async with customer.portal() as visit, hello_world(database, seller.id, customer.id) as hello:
        origin, headers = str(visit.browser.base_url).rstrip("/"), browser_headers(visit)
        gateway, reading = processes(stack, GATEWAY, "postgres"), {**hello.processes, **processes(stack, "postgres")}
        yield {
            "overview": Endpoint(origin, Call.of("GET", f"{origin}/api/overview", headers), gateway),
            "page": Endpoint(origin, Call.of("GET", f"{origin}/", headers | {"accept": "text/html"}), gateway),
            HELLO: Endpoint(hello.url, Call.of("GET", hello.url), hello.processes),
            DOCUMENT: Endpoint(hello.url, Call.of("GET", hello.document), reading),
        }


def _lines() -> list[Line]:
    lines = [
        Line("overview as JSON ÷ hello-world", "overview", HELLO, target=Target(at_least=0.12)),
        Line("overview as JSON ÷ reading one document", "overview", DOCUMENT, target=Target(at_least=0.35)),
        Line("overview, CPU of Python", f"overview, CPU {GATEWAY}", unit="µs", target=Target(at_most=450)),
        Line("overview, CPU of PostgreSQL", "overview, CPU postgres", unit="µs", target=Target(at_most=150)),
        Line("page as HTML, twelve invoices ÷ hello-world", "page", HELLO, target=Target(at_least=0.3)),
        Line("page, CPU of Python", f"page, CPU {GATEWAY}", unit="µs", target=Target(at_most=1100)),
        Line("page, CPU of PostgreSQL", "page, CPU postgres", unit="µs"),
    ]
    for name in ("overview", "page"):
        lines += [
            Line(f"{name} at 70 % of its most, {p} ÷ hello-world's", f"{name} {p}", f"{HELLO} {p}", unit="ms")
            for p in ("p50", "p99")
        ]
    return lines


async def _measured(name: str, endpoint: Endpoint) -> Figures:
    most = await rate_of(name, endpoint.url, endpoint.call, endpoint.processes, CONNECTIONS, SECONDS)
    calm = await load(endpoint.url, repeat(endpoint.call), connections=CONNECTIONS, seconds=SECONDS, rate=most[name] * SHARE)
    return {**most, **percentiles(calm.expect(200).latencies, name)}
