"""Renewals of subscriptions that are due at once, until each has recorded its payment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bench.measuring import Figures, Line, Row, Target
from bench.renewals import due_by_the_month, prepare_due, renew
from bench.stack import portal

DUE: Final = 1_000
WARM: Final = 100
"""Renewals before the first measured ones."""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with portal() as seller:
        monthly = await due_by_the_month(await seller.customer())
        await renew("warm", monthly, await prepare_due(monthly, WARM))

        async def trial() -> Figures:
            return await renew("renewal", monthly, await prepare_due(monthly, DUE))

        yield Row([trial], _lines())


def _lines() -> list[Line]:
    return [
        Line("a renewal until paid, CPU of all processes", "renewal, CPU", unit="µs", target=Target(at_most=8000)),
        Line(f"a renewal until paid, time it takes of {DUE:,} at once", "renewal, took", unit="ms"),
    ]
