"""The whole system for rows that measure it, with one merchant and its customers made through the public APIs."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.portal import Customer, Shop, Visit, running, shop


@asynccontextmanager
async def portal() -> AsyncIterator[Shop]:
    """A stack of the run's own with one merchant, whose clock a test would move."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        async with running(folder / "stack") as stack, shop(stack) as made:
            yield made


async def subscribe(seller: Shop, count: int) -> list[str]:
    """Subscriptions of one customer, as many as wanted, each paid for its first period."""
    customer = await seller.customer()
    made: list[str] = []
    for start in range(0, count, 16):
        body = {"customer_id": customer.id, "plan_id": seller.plan}
        several = min(16, count - start)
        made += await asyncio.gather(*(seller.backend.create("subscriptions", body) for _ in range(several)))
    return made


def asked_as(visit: Visit) -> dict[str, str]:
    """The headers of a request from that visit's browser."""
    return {name: visit.browser.headers[name] for name in ("cookie", "x-csrf-token", "origin")}


__all__ = ["Customer", "Shop", "Visit", "asked_as", "portal", "subscribe"]
