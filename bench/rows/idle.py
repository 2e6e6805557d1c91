"""Idle: processor time of each process of the stack without requests, events or timers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from bench.measuring import Figures, Line, Row, Target
from bench.stack import PROCESSES, portal, processes, until_quiet
from bench.usage import Meter
from support.system_stack import Stack

SECONDS: Final = 60
SETTLE_SECONDS: Final = 15
"""Time for work that continues after the start, such as Kafka's compilation."""
TOTAL: Final = "all processes"


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with portal() as seller:
        await seller.customer()
        await until_quiet(seller.stack)
        await asyncio.sleep(SETTLE_SECONDS)
        yield Row([partial(_idle, seller.stack)], _lines())


def _lines() -> list[Line]:
    total = Line(f"all processes over {SECONDS} s", TOTAL, unit="% of a core", target=Target(at_most=5))
    return [total, *(Line(name, name, unit="% of a core") for name in PROCESSES)]


async def _idle(stack: Stack) -> Figures:
    meter = Meter(processes(stack))
    await asyncio.sleep(SECONDS)
    shares = {name: 100 * seconds / SECONDS for name, seconds in meter.seconds().items()}
    return {**shares, TOTAL: sum(shares.values())}
