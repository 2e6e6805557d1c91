"""Flows by keyboard beside the main ones: older invoices, paying on an invoice's page, entering, extending a session."""

from datetime import timedelta

from browser.gallery_portal import keep_many, many
from browser.keyboard import Keyboard
from browser.live_stage import MASTERCARD, LiveStage
from browser.two_customers import TwoCustomers
from playwright.async_api import Page, expect

from portal_gateway.domain.access import IDLE
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage


async def test_older_invoices_are_opened_and_the_newest_again(page: Page) -> None:
    stage = LiveStage(many())
    keep_many(stage)
    async with stage.open():
        portal, keyboard = await stage.enter(page), Keyboard(page)
        newest = await portal.invoices.get_by_role("listitem").first.inner_text()
        older, latest = "link older", "link newest"
        await keyboard.reach(older)
        await keyboard.press("Enter")
        await expect(portal.invoices.get_by_role("listitem").first).not_to_have_text(newest)
        await keyboard.wait_for(older)
        await keyboard.press("Enter")
        await keyboard.wait_for("heading invoices-title")
        await keyboard.reach(latest)
        await keyboard.press("Enter")
        await keyboard.wait_for("heading invoices-title")
        assert await portal.invoices.get_by_role("listitem").first.inner_text() == newest


async def test_an_invoice_is_paid_from_its_own_page(page: Page) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        stage.invoicing.invoice_is = scenes.whole_invoice(status="failed")
        portal, keyboard = await stage.enter(page), Keyboard(page)
        await portal.open_invoice("TS-000014")
        await keyboard.reach("link /payment-method")
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox number")
        for text in (MASTERCARD, "1230", "123"):
            await keyboard.type(text)
            await keyboard.press("Tab")
        await keyboard.tab("button confirm")
        stage.invoicing.invoice_is = scenes.whole_invoice()
        await keyboard.press("Enter")
        await keyboard.wait_for("heading card-saved")
        await keyboard.tab("link close")
        await keyboard.press("Enter")
        await expect(portal.method).to_contain_text("Mastercard •••• 4444")


async def test_a_session_that_is_about_to_end_is_extended(page: Page) -> None:
    await page.clock.install()
    async with LiveStage().open() as stage:
        _, keyboard = await stage.enter(page), Keyboard(page)
        idle = IDLE - timedelta(minutes=4)
        session = stage.access.session_of_ana
        object.__setattr__(session, "seen_at", session.seen_at - idle)
        await page.clock.fast_forward(int(idle.total_seconds() * 1000))
        await expect(page.locator("#extend")).to_be_visible()
        await keyboard.reach("button extend")
        await keyboard.press("Enter")
        await keyboard.wait_for("heading subscription-title")


async def test_a_link_for_one_use_is_used(page: Page, two_customers: TwoCustomers) -> None:
    await page.goto(await two_customers.ana(kind="session"))
    keyboard = Keyboard(page)
    await keyboard.wait_for("heading enter")
    await keyboard.tab("button continue")
    await keyboard.press("Enter")
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")
