"""Many customers with one subscription each. Their cancellations and withdrawals are the load of other measurements."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import cycle
from uuid import uuid4

from bench.load import Call
from bench.stack import Customer, Shop


async def crowd(seller: Shop, count: int) -> list[Customer]:
    """Create customers, each with a card and a subscription with a paid first period."""
    customers: list[Customer] = []
    for start in range(0, count, 16):
        customers += await asyncio.gather(*(seller.customer() for _ in range(min(16, count - start))))
    return customers


def cancel_and_withdraw(seller: Shop, subscriptions: Sequence[str]) -> Iterator[Call]:
    """Endless calls that cancel every subscription in turn, then withdraw every cancellation. Each call leads to one event."""
    url = seller.stack.urls["subscriptions"]
    headers = {"authorization": f"Bearer {seller.backend.key}"}
    for method, body in cycle((("POST", b'{"feedback":"too_expensive"}'), ("DELETE", b""))):
        for id in subscriptions:
            key = {"idempotency-key": str(uuid4())}
            yield Call.of(method, f"{url}/v1/subscriptions/{id}/cancellation", headers | key, body)
