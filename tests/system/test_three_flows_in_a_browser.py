"""The specification's three flows in a real browser on the whole system, without console messages."""

import asyncio
import io
import json
import re
import signal
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Page, expect

from portalctl.demo.history import ASSETS
from support.browsing import chrome, watched_page
from support.portal_page.page_objects import PortalPage, Visitor, badge, sheet
from support.system_stack import CARDS, Customer, Shop

FEBRUARY = datetime(2024, 2, 10, 16, tzinfo=UTC)
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chrome(light=True) as started:
        yield started


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with watched_page(browser, lambda message: True) as page:
        yield page


async def enter(page: Page, lucia: Customer) -> PortalPage:
    """Enter with a link of hers. A marker on the window shows whether the page is reloaded."""
    portal = await Visitor(page, await lucia.shop.backend.portal_link(lucia.id)).enter()
    await page.evaluate("window.stillHere = true")
    return portal


async def test_the_card_is_changed_and_the_pane_updates_without_a_reload(page: Page, a_shop: Shop) -> None:
    portal = await enter(page, await a_shop.customer())
    await expect(portal.method).to_contain_text("Visa •••• 4242")
    dialog = await portal.edit_card()
    await dialog.fill(CARDS["mastercard"])
    await dialog.confirm()
    await expect(dialog.saved).to_contain_text("Mastercard •••• 4444")
    await dialog.close()
    await expect(portal.method).to_contain_text("Mastercard •••• 4444")
    await expect(portal.method).to_contain_text("12/2030")
    assert await page.evaluate("window.stillHere")
    await page.reload()
    await expect(portal.method).to_contain_text("Mastercard •••• 4444")


async def test_an_uploaded_logo_and_a_dark_colour_are_on_the_page(page: Page, a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    branding = {"logo_media_id": await a_shop.backend.upload(ASSETS / "logo.png"), "colour": "#6e0b2a"}
    await a_shop.backend.call("subscriptions", "PATCH", f"/v1/merchants/{a_shop.id}", json={"branding": branding})
    await enter(page, lucia)
    logo = page.locator(".company img")
    async with asyncio.timeout(20):
        while not await logo.is_visible():  # the merchant's change is still being delivered
            await page.reload()
    seen = "async ({ src, naturalWidth }) => [(await fetch(src)).headers.get('content-type'), naturalWidth]"
    kind, width = await logo.evaluate(seen)
    assert (kind, 0 < width <= 512) == ("image/webp", True)
    accent = "getComputedStyle(document.documentElement).getPropertyValue('--accent')"
    assert await page.evaluate(accent) == branding["colour"]


async def test_a_debt_is_paid_with_the_new_card(page: Page, a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    await a_shop.backend.attach_card(lucia.id, "tok_saves_then_declines")
    await a_shop.clock(FEBRUARY)
    portal = await enter(page, lucia)
    await expect(page.locator("[data-notice=failed]")).to_contain_text("29.99 USD")
    dialog = await portal.pay_debt()
    await dialog.fill(CARDS["visa"])
    await expect(dialog.confirm_button).to_contain_text("29.99 USD")
    await dialog.confirm()
    await expect(badge(portal.dialog.locator("[data-charge]"), "paid")).to_be_visible()
    await dialog.close()
    await expect(portal.subscription).to_contain_text("10 de marzo de 2024")
    await expect(badge(portal.subscription, "active")).to_be_visible()
    await expect(page.locator("[data-notice]")).to_have_count(0)
    assert await page.evaluate("window.stillHere")
    assert len(await lucia.charges()) == 2


async def test_a_subscription_is_cancelled_and_then_kept(page: Page, a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    portal = await enter(page, lucia)
    dialog = await portal.cancel()
    await expect(dialog.root).to_contain_text("10 de febrero de 2024")
    await dialog.fill("too_expensive", "Quizá vuelva")
    await dialog.confirm()
    await expect(sheet(dialog.root, "cancelled")).to_be_visible()
    await expect(dialog.root).to_contain_text(re.compile(f"{lucia.subscription[:8].upper()}-[0-9]+"))
    await dialog.close()
    await expect(badge(portal.subscription, "ending")).to_be_visible()
    await portal.keep()
    await expect(badge(portal.subscription, "active")).to_be_visible()
    await expect(portal.subscription).to_contain_text("10 de febrero de 2024")
    await expect(page.locator("#cancel")).to_be_visible()
    assert await page.evaluate("window.stillHere")


async def test_invoices_are_opened_and_the_history_is_downloaded(page: Page, a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    await a_shop.clock(FEBRUARY)
    numbers = [invoice["number"] for invoice in await lucia.invoices()]
    portal = await enter(page, lucia)
    await expect(portal.invoices.get_by_role("listitem")).to_have_count(2)
    table = (await portal.download_history("csv")).decode("utf-8-sig")
    packed = zipfile.ZipFile(io.BytesIO(await portal.download_history("zip")))
    lines = (await portal.download_history("ndjson")).splitlines()
    for number in numbers:
        assert table.count(number) == 2  # issued and paid
        assert any(name.endswith(f"{number}.pdf") for name in packed.namelist())
        assert sum(json.loads(line)["total_minor"] for line in lines if json.loads(line)["invoice_number"] == number) == 0
    await portal.open_invoice(numbers[0])
    await expect(page.locator("[data-kind=payment]")).to_contain_text("Visa •••• 4242")
    assert (await portal.download(page.locator('.actions a[href$=".pdf"]'))).startswith(b"%PDF")


async def test_during_a_kafka_outage_a_cancellation_is_pending_and_then_arrives(page: Page, a_shop: Shop) -> None:
    portal = await enter(page, await a_shop.customer())
    await expect(badge(portal.subscription, "active")).to_be_visible()
    await expect(portal.subscription).to_contain_text("10 de febrero de 2024")
    late = page.locator("[data-stale]")
    a_shop.stack.signal("kafka", signal.SIGSTOP)
    try:
        await page.wait_for_timeout(17_000)
        await page.reload()
        await expect(late).to_be_visible()
        await page.evaluate("window.stillHere = true")
        dialog = await portal.cancel()
        await dialog.confirm()
        await expect(dialog.outcome("cancellation_pending")).to_be_visible()
        await dialog.close()
        await expect(badge(portal.subscription, "pending")).to_be_visible()
    finally:
        a_shop.stack.signal("kafka", signal.SIGCONT)
    await expect(badge(portal.subscription, "ending")).to_be_visible(timeout=60_000)
    await expect(late).to_be_hidden(timeout=60_000)
    assert await page.evaluate("window.stillHere")
