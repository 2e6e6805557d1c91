"""A customer cancels while the renewal's charge hangs: with either outcome nothing is owed or paid in excess."""

import asyncio
from datetime import UTC, datetime

from support.system_stack import Shop, Stack, eventually, shop

FEBRUARY = datetime(2024, 2, 10, 16, tzinfo=UTC)
APRIL = datetime(2024, 4, 20, tzinfo=UTC)


async def test_a_successful_charge_gives_access_until_the_end_of_the_paid_period(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    await a_shop.clock(datetime(2024, 2, 10, 14, 59, tzinfo=UTC))
    await a_shop.stack.set_provider_behaviour(a_shop.id, "hang")
    moving = asyncio.create_task(a_shop.clock(FEBRUARY))
    async with lucia.portal() as visit:
        await visit.sees(lambda page: page["invoices"]["items"][0]["status"] == "processing")
        assert (await visit.cancel()).status_code == 202
        await a_shop.stack.set_provider_behaviour(a_shop.id, "normal")
        await moving
        page = await visit.sees(lambda page: page["invoices"]["items"][0]["status"] == "paid")
        assert page["subscriptions"][0]["cancellation"]["effective_at"].startswith("2024-03-10")
        await a_shop.clock(APRIL)
        await visit.sees(lambda page: page["subscriptions"][0]["status"] == "canceled")
    assert len(await lucia.charges()) == 2


async def test_a_failed_charge_ends_the_subscription_without_a_debt(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    await a_shop.backend.attach_card(lucia.id, "tok_saves_then_declines")
    await a_shop.clock(datetime(2024, 2, 10, 14, 59, tzinfo=UTC))
    await a_shop.stack.set_provider_behaviour(a_shop.id, "hang")
    moving = asyncio.create_task(a_shop.clock(FEBRUARY))
    async with lucia.portal() as visit:
        await visit.sees(lambda page: page["invoices"]["items"][0]["status"] == "processing")
        assert (await visit.cancel()).status_code == 202
        await a_shop.stack.set_provider_behaviour(a_shop.id, "normal")
        await moving
        page = await visit.sees(lambda page: page["subscriptions"][0]["status"] == "canceled")
        await visit.sees(lambda page: page["invoices"]["items"][0]["status"] == "void")
        assert page["subscriptions"][0]["debt"] is None
    await a_shop.clock(APRIL)
    assert len(await lucia.charges()) == 1


async def test_a_charge_that_succeeds_after_an_immediate_end_is_refunded(stack: Stack) -> None:
    async with shop(stack, cancel_mode="immediately") as at_once:
        lucia = await at_once.customer()
        await at_once.clock(datetime(2024, 2, 10, 14, 59, tzinfo=UTC))
        await stack.set_provider_behaviour(at_once.id, "late", seconds=8)
        moving = asyncio.create_task(at_once.clock(FEBRUARY))
        async with lucia.portal() as visit:
            await visit.sees(lambda page: page["invoices"]["items"][0]["status"] == "processing")
            assert (await visit.cancel()).status_code == 202
            await visit.sees(lambda page: page["subscriptions"][0]["status"] == "canceled")
            await stack.set_provider_behaviour(at_once.id, "normal")

            async def books() -> dict[str, object]:
                return await stack.ledger(at_once.id)

            ledger = await eventually(books, lambda ledger: bool(ledger["refunds"]), seconds=60)
            await visit.sees(lambda page: page["invoices"]["items"][0]["status"] in ("void", "refunded"))
        await moving
        assert len(ledger["refunds"]) == 1  # type: ignore[arg-type]
