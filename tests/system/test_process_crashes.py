"""A service is killed during its part of a renewal: the renewal completes and is charged once."""

import asyncio
import os
import signal
from contextlib import suppress
from datetime import UTC, datetime

import httpx
import pytest

from portalctl.local.errors import StackError
from support.system_stack import Customer, Shop, eventually

FEBRUARY = datetime(2024, 2, 10, 16, tzinfo=UTC)


async def advance_clock(shop: Shop) -> None:
    """Move the clock; retry until a service answers."""
    async with asyncio.timeout(90):
        while True:
            with suppress(StackError, httpx.TransportError):
                await shop.clock(FEBRUARY)
                return
            await asyncio.sleep(0.3)


async def assert_renewed_once(lucia: Customer) -> None:
    invoices = await eventually(lucia.invoices, lambda rows: len(rows) == 2 and all(row["status"] == "paid" for row in rows))
    assert len({row["number"] for row in invoices}) == 2
    assert len(await lucia.charges()) == 2
    async with lucia.portal() as visit:
        page = await visit.sees(lambda page: [row["status"] for row in page["invoices"]["items"]] == ["paid", "paid"])
    assert page["subscriptions"][0]["status"] == "active"
    assert page["subscriptions"][0]["current_period"]["start"].startswith("2024-02-10")


async def test_payments_is_killed_while_a_charge_hangs(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    await a_shop.stack.set_provider_behaviour(a_shop.id, "hang")
    moving = asyncio.create_task(advance_clock(a_shop))
    async with lucia.portal() as visit:
        await visit.sees(lambda page: page["invoices"]["items"][0]["status"] == "processing")
    a_shop.stack.signal("payments", signal.SIGKILL)
    await a_shop.stack.ready()
    await a_shop.stack.set_provider_behaviour(a_shop.id, "normal")
    await moving
    await assert_renewed_once(lucia)


async def test_payments_is_killed_between_the_charge_and_its_answer(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    await a_shop.stack.set_provider_behaviour(a_shop.id, "lose")
    moving = asyncio.create_task(advance_clock(a_shop))
    await eventually(lucia.charges, lambda taken: len(taken) == 2)
    a_shop.stack.signal("payments", signal.SIGKILL)
    await a_shop.stack.ready()
    await a_shop.stack.set_provider_behaviour(a_shop.id, "normal")
    await moving
    await assert_renewed_once(lucia)


@pytest.mark.parametrize("victim", ["invoicing", "subscriptions"])
async def test_a_service_is_killed_before_an_invoice_is_issued(a_shop: Shop, victim: str) -> None:
    lucia = await a_shop.customer()
    invoicing = a_shop.stack.state["processes"]["invoicing"]
    a_shop.stack.signal("invoicing", signal.SIGSTOP)
    moving = asyncio.create_task(advance_clock(a_shop))
    try:
        await eventually(lucia.status_events, lambda names: names.count("SubscriptionRenewalDue") == 2)
        a_shop.stack.signal(victim, signal.SIGKILL)
    finally:
        with suppress(ProcessLookupError):
            os.kill(invoicing, signal.SIGCONT)
    await a_shop.stack.ready()
    await moving
    assert (a_shop.stack.state["processes"]["invoicing"] == invoicing) == (victim != "invoicing")
    await assert_renewed_once(lucia)


async def test_the_gateway_is_killed_before_it_shows_a_change(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    a_shop.stack.signal("portal-gateway", signal.SIGSTOP)
    await advance_clock(a_shop)
    a_shop.stack.signal("portal-gateway", signal.SIGKILL)
    await a_shop.stack.ready()
    await assert_renewed_once(lucia)


async def test_the_broker_is_killed_during_a_renewal(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    a_shop.stack.signal("invoicing", signal.SIGSTOP)
    moving = asyncio.create_task(advance_clock(a_shop))
    await asyncio.sleep(0.5)
    a_shop.stack.signal("kafka", signal.SIGKILL)
    a_shop.stack.signal("invoicing", signal.SIGCONT)
    await a_shop.stack.ready()
    await moving
    await assert_renewed_once(lucia)
