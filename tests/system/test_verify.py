"""`portalctl verify` reports nothing while the system works. By its name, this file runs after the others of the system stack."""

import asyncio
from datetime import UTC, datetime

from support.system_stack import Shop, Stack
from support.verification import broken, run_verify


async def test_verify_finds_nothing_while_the_system_works(stack: Stack, a_shop: Shop) -> None:
    lucia, hugo = await a_shop.customer(), await a_shop.customer()

    async def at_work() -> None:
        for month in range(2, 8):
            await asyncio.gather(a_shop.clock(datetime(2024, month, 20, tzinfo=UTC)), a_shop.customer())
            await (hugo.cancel_as_merchant() if month == 4 else a_shop.backend.attach_card(lucia.id, "tok_mastercard"))

    work = asyncio.create_task(at_work())
    looks = 0
    while not work.done() or looks == 0:
        assert broken(await run_verify(stack)) == {}
        looks += 1
    await work
