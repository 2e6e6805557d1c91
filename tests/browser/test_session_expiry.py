"""A session warns five minutes before its end, also in a tab shown again. After its end nothing personal is shown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from browser.axe import violations
from browser.gallery_pages import INVOICE
from browser.live_stage import LiveStage
from playwright.async_api import Page, expect

from portal_gateway.domain.access import ABSOLUTE, IDLE
from support.portal_page.page_objects import PortalPage, problem, sheet

ENDING = "p[data-extend]"
"""The sentence that the session is about to end."""


@asynccontextmanager
async def live_portal(page: Page) -> AsyncIterator[tuple[LiveStage, PortalPage]]:
    await page.clock.install()
    async with LiveStage().open() as stage:
        yield stage, await stage.enter(page)


async def stay_idle(page: Page, stage: LiveStage, idle: timedelta) -> None:
    """Let the session and the browser's clock age by this time without a request."""
    session = stage.access.session_of_ana
    stage.access.session_of_ana = replace(session, seen_at=session.seen_at - idle)
    await page.clock.fast_forward(int(idle.total_seconds() * 1000))


async def set_hidden(page: Page, hidden: bool) -> None:
    await page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


async def test_an_idle_customer_is_warned_and_can_continue(page: Page) -> None:
    async with live_portal(page) as (stage, _):
        await expect(page.locator(ENDING)).to_be_hidden()
        await page.evaluate("scrollTo(0, document.body.scrollHeight)")
        await stay_idle(page, stage, IDLE - timedelta(minutes=4))
        await expect(page.get_by_role("alert").locator(ENDING)).to_be_visible()
        await expect(page.locator(ENDING)).to_be_in_viewport()
        await page.route("**/api/session/extend", lambda route: route.abort())
        await page.locator("#extend").click()
        await expect(problem(page, "offline")).to_be_visible()
        await page.unroute("**/api/session/extend")
        await page.locator("#extend").click()
        await expect(page.locator(ENDING)).to_be_hidden()
        await page.clock.run_for(100)
        await expect(page.locator("#said")).to_have_text(await page.locator("form[data-said]").get_attribute("data-said") or "")
        await expect(page.locator("#subscription-title")).to_be_focused()
        assert stage.access.session_of_ana.ends_at - datetime.now(UTC) > timedelta(minutes=29)


async def test_the_warning_on_an_invoice_page_keeps_the_page(page: Page) -> None:
    async with live_portal(page) as (stage, _):
        await page.goto(stage.origin + INVOICE)
        await stay_idle(page, stage, IDLE - timedelta(minutes=4))
        await expect(page.get_by_role("alert").locator(ENDING)).to_be_visible()
        assert await violations(page) == []
        await page.locator("#extend").click()
        await expect(page.locator(ENDING)).to_be_hidden()
        await expect(page.get_by_role("heading", name="Factura TS-000014")).to_be_focused()
        assert page.url == stage.origin + INVOICE


async def test_the_warning_is_reachable_above_a_dialog_and_typed_text_is_kept(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        await dialog.fill(comment="Hasta pronto")
        await stay_idle(page, stage, IDLE - timedelta(minutes=4))
        await expect(dialog.root.get_by_role("alert").locator(ENDING)).to_be_visible()
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("main").get_by_role("alert").locator(ENDING)).to_be_visible()
        dialog = await portal.cancel()
        await dialog.fill(comment="Hasta pronto")
        await page.clock.run_for(20_000)
        await expect(page.locator(ENDING)).to_be_hidden()
        await stay_idle(page, stage, IDLE - timedelta(minutes=4))
        await dialog.root.locator("#extend").click()
        await expect(dialog.root.locator(ENDING)).to_be_hidden()
        await expect(sheet(dialog.root, "cancel")).to_be_focused()
        await expect(dialog.comment).to_have_value("Hasta pronto")


async def test_a_session_that_cannot_be_extended_says_how_to_return(page: Page) -> None:
    async with live_portal(page) as (stage, _):
        began = datetime.now(UTC) - ABSOLUTE + timedelta(minutes=4)
        stage.access.session_of_ana = replace(stage.access.session_of_ana, started_at=began)
        await page.reload()
        await expect(page.get_by_role("alert")).to_have_attribute("id", "session-ending")
        await expect(page.locator("[data-for-good]")).to_be_visible()
        await expect(page.locator("#extend")).to_be_hidden()


async def test_a_tab_shown_again_warns_immediately(page: Page) -> None:
    async with live_portal(page) as (stage, _):
        await set_hidden(page, True)
        await page.clock.set_fixed_time(datetime.now(UTC) + IDLE - timedelta(minutes=4))
        session = stage.access.session_of_ana
        stage.access.session_of_ana = replace(session, seen_at=session.seen_at - IDLE + timedelta(minutes=4))
        await set_hidden(page, False)
        await expect(page.get_by_role("alert").locator(ENDING)).to_be_visible()


async def test_a_tab_shown_after_the_end_shows_nothing_personal(page: Page) -> None:
    async with live_portal(page) as (stage, _):
        await set_hidden(page, True)
        stage.access.ended.append(False)
        await set_hidden(page, False)
        await page.wait_for_url("**/ended")
        await expect(problem(page, "session_ended")).to_be_visible()
        await expect(page.get_by_text("Ana García")).to_have_count(0)
