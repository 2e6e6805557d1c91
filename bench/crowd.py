"""Many customers with a subscription each, who keep changing their minds: the load under which other things are measured."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import cycle
from uuid import uuid4

from bench.load import Call
from bench.stack import Customer, Shop


async def crowd(seller: Shop, count: int) -> list[Customer]:
    """So many customers, each with a card and a subscription whose first period is paid."""
    made: list[Customer] = []
    for start in range(0, count, 16):
        made += await asyncio.gather(*(seller.customer() for _ in range(min(16, count - start))))
    return made


def changes_of_mind(seller: Shop, subscriptions: Sequence[str]) -> Iterator[Call]:
    """Cancels every subscription in turn, then withdraws every cancellation, and so on: each an event of its own."""
    url = seller.stack.urls["subscriptions"]
    headers = {"authorization": f"Bearer {seller.backend.key}"}
    for method, body in cycle((("POST", b'{"feedback":"too_expensive"}'), ("DELETE", b""))):
        for id in subscriptions:
            key = {"idempotency-key": str(uuid4())}
            yield Call.of(method, f"{url}/v1/subscriptions/{id}/cancellation", headers | key, body)
