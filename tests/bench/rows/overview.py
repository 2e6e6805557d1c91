"""Reading: the overview as JSON and the page as HTML, against hello-world on the same server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import repeat
from typing import Final

from bench.hello import hello_world
from bench.load import Call, load
from bench.measuring import Figures, Line, Row, Target, percentiles
from bench.stack import asked_as, portal
from support.portal import JANUARY

CONNECTIONS: Final = 32
SECONDS: Final = 5
SHARE: Final = 0.7
"""Of what was measured as the most: latency is asked for there."""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with portal() as seller, hello_world() as hello:
        customer = await seller.customer()
        await seller.clock(JANUARY + timedelta(days=375))
        async with customer.portal() as visit:
            origin, headers = str(visit.browser.base_url).rstrip("/"), asked_as(visit)
            calls = {
                "overview": Call.of("GET", f"{origin}/api/overview", headers),
                "page": Call.of("GET", f"{origin}/", headers | {"accept": "text/html"}),
                "hello-world": Call.of("GET", hello),
            }
            urls = {"overview": origin, "page": origin, "hello-world": hello}
            yield Row([partial(_measured, name, urls[name], call) for name, call in calls.items()], _lines())


def _lines() -> list[Line]:
    lines = [
        Line("overview as JSON ÷ hello-world", "overview", "hello-world", target=Target(at_least=0.6)),
        Line("page as HTML, twelve invoices ÷ hello-world", "page", "hello-world", target=Target(at_least=0.3)),
    ]
    for name in ("overview", "page"):
        lines += [
            Line(f"{name} at 70 % of its most, {p} ÷ hello-world's", f"{name} {p}", f"hello-world {p}", unit="ms")
            for p in ("p50", "p99")
        ]
    return lines


async def _measured(name: str, url: str, call: Call) -> Figures:
    most = (await load(url, repeat(call), connections=CONNECTIONS, seconds=SECONDS)).expect(200).rate
    calm = await load(url, repeat(call), connections=CONNECTIONS, seconds=SECONDS, rate=most * SHARE)
    return {name: most} | percentiles(calm.expect(200).latencies, name)
