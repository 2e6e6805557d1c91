"""Panes update in every tab, keep focus, selection and menus, and announce the change in one sentence."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from browser.live_stage import LiveStage
from playwright.async_api import Page, expect

from portal_gateway.adapters.page.overview import KEEP_CONFIRMATION
from portal_gateway.application.presentation.common import STALE
from portal_gateway.application.view import Pending
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, badge
from support.portal_page.sentences import spanish

CANCELLING: Pending = {
    "kind": "cancellation",
    "aggregate": f"subscription-{scenes.PREMIUM}",
    "version": 13,
    "accepted_at": "",
    "detail": {"mode": "at_period_end", "effective_at": scenes.instant(2023, 6, 14)},
}
BACKUP = scenes.subscription("trialing", id=scenes.invoice_id(99), plan=scenes.plan(name="Respaldo Anual"))


@asynccontextmanager
async def live_portal(page: Page, view: Any = None) -> AsyncIterator[tuple[LiveStage, PortalPage]]:
    async with LiveStage(view).open() as stage:
        portal = await stage.enter(page)
        await page.evaluate("""() => {
            window.announcements = [];
            const note = () => said.textContent && announcements.push(said.textContent);
            new MutationObserver(note).observe(said, { childList: true });
        }""")
        yield stage, portal


async def announcements(page: Page) -> list[str]:
    """All announcements in the live region."""
    sentences: list[str] = await page.evaluate("announcements")
    return sentences


async def test_a_page_shows_that_it_is_stale_since_when_and_when_it_ends(page: Page) -> None:
    async with live_portal(page) as (stage, _):
        fresh = stage.views.shown
        stage.views.shown = replace(fresh, stale=True, as_of=datetime.now(UTC) - timedelta(minutes=3, seconds=5))
        await expect(page.locator("[data-stale]")).to_have_text(re.compile(r"\b3\b"))
        stage.views.shown = replace(fresh, stale=True, as_of=datetime.now(UTC) - timedelta(minutes=4, seconds=5))
        await expect(page.locator("[data-stale]")).to_have_text(re.compile(r"\b4\b"))
        stage.views.shown = fresh
        await expect(page.locator("[data-stale]")).to_have_count(0)
        assert await announcements(page) == [spanish(STALE)]


async def test_a_command_of_one_tab_is_shown_as_pending_in_the_other(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        stage.views.shown = replace(stage.views.shown, pending=(CANCELLING,))
        await expect(badge(portal.subscription, "pending")).to_be_visible()
        await expect(portal.subscription.get_by_role("button")).to_have_count(0)
        stage.views.shown = replace(stage.views.shown, pending=())
        stage.change(subscriptions=[scenes.ending()])
        await expect(badge(portal.subscription, "ending")).to_be_visible()


async def test_every_open_tab_updates(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        second = await page.context.new_page()
        await second.goto(stage.origin)
        stage.change(subscriptions=[scenes.ending()])
        await expect(badge(portal.subscription, "ending")).to_be_visible()
        await expect(badge(PortalPage(second).subscription, "ending")).to_be_visible()


async def test_a_change_of_several_panes_is_announced_in_one_sentence(page: Page) -> None:
    async with live_portal(page) as (stage, _):
        owing = scenes.owing().facts
        stage.change(subscriptions=owing["subscriptions"], invoices=owing["invoices"], payment_method=owing["payment_method"])
        lead = page.locator("[data-notice=failed] b")
        await expect(lead).to_contain_text("29.99")
        failed = await lead.inner_text()
        await expect(page.locator("#said")).to_have_text(failed)
        await page.wait_for_timeout(400)
        assert [sentence.split() for sentence in await announcements(page)] == [failed.split()]


async def test_a_rebuilt_view_with_a_lower_revision_is_shown(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        stage.views.shown = replace(scenes.view(scenes.ending()), revision=1)
        await expect(badge(portal.subscription, "ending")).to_be_visible()


async def test_a_focused_button_keeps_the_focus(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        button = portal.page.locator("#edit-method")
        await button.focus()
        before = await button.element_handle()
        stage.change(payment_method={**scenes.facts()["payment_method"], "last4": "1111"})  # type: ignore[dict-item]
        await expect(portal.method).to_contain_text("1111")
        await expect(button).to_be_focused()
        assert not await button.evaluate("(now, before) => now === before", before)


async def test_when_a_focused_button_disappears_the_panes_title_gets_the_focus(page: Page) -> None:
    async with live_portal(page, scenes.owing()) as (stage, portal):
        await portal.page.locator("#cancel").focus()
        stage.change(subscriptions=[scenes.subscription("canceled")])
        await expect(page.locator("#subscription-title")).to_be_focused()


async def test_the_switcher_shows_the_status_of_each_subscription(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.subscription(), BACKUP)) as (stage, portal):
        chosen = page.locator(".switch [aria-current]")
        await expect(badge(chosen, "active")).to_be_visible()
        stage.change(subscriptions=[scenes.ending(), BACKUP])
        await expect(badge(portal.subscription, "ending")).to_be_visible()
        await expect(badge(chosen, "ending")).to_be_visible()
        stage.change(subscriptions=[scenes.ending(), {**BACKUP, "status": "canceled"}])
        await expect(badge(page.get_by_role("link", name="Respaldo Anual"), "canceled")).to_be_visible()


async def test_the_switcher_follows_a_cancellation_and_its_withdrawal(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.subscription(), BACKUP)) as (_, portal):
        chosen = page.locator(".switch [aria-current]")
        dialog = await portal.cancel()
        await dialog.confirm()
        await expect(dialog.outcome("scheduled")).to_be_visible()
        await dialog.close()
        await expect(badge(chosen, "ending")).to_be_visible()
        await portal.keep()
        await expect(badge(chosen, "active")).to_be_visible()


async def test_a_new_subscription_can_be_chosen(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await portal.status.select_option("void")
        await expect(portal.no_match).to_be_visible()
        await expect(page.get_by_role("navigation")).to_have_count(0)
        stage.change(subscriptions=[scenes.subscription(), BACKUP])
        await page.get_by_role("link", name="Respaldo Anual").click()
        await expect(badge(portal.subscription, "trialing")).to_be_visible()
        await expect(portal.status).to_have_value("void")


async def test_a_focused_subscription_keeps_the_focus(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.subscription(), BACKUP)) as (stage, _):
        link = page.get_by_role("link", name="Respaldo Anual")
        await link.focus()
        before = await link.element_handle()
        stage.change(subscriptions=[scenes.ending(), BACKUP])
        await expect(badge(page.locator(".switch [aria-current]"), "active")).to_have_count(0)
        await expect(link).to_be_focused()
        assert not await link.evaluate("(now, before) => now === before", before)


async def test_panes_behind_a_dialog_are_replaced_when_it_closes(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await portal.cancel()
        stage.change(subscriptions=[scenes.ending()])
        await expect(page.locator("body")).to_have_attribute("data-revision", str(stage.views.shown.revision))
        await expect(badge(portal.subscription, "active")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(badge(portal.subscription, "ending")).to_be_visible()


async def test_an_open_menu_stays_open_and_the_update_follows_when_it_closes(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await portal.page.locator("#download-all").click()
        stage.change(invoices=[scenes.invoice(14, "refunded")])
        await page.wait_for_timeout(700)
        await expect(portal.file("csv")).to_be_visible()
        rows = portal.invoices.get_by_role("list")
        await expect(badge(rows, "refunded")).to_have_count(0)
        await page.keyboard.press("Escape")
        await expect(badge(rows, "refunded")).to_be_visible()


async def test_selected_text_stays_selected(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await page.evaluate("""() => getSelection().selectAllChildren(document.querySelector("#pane-subscription .lead"))""")
        stage.change(subscriptions=[scenes.ending()])
        await page.wait_for_timeout(700)
        assert await page.evaluate("String(getSelection())") == "Premium Mensual"
        await expect(badge(portal.subscription, "ending")).to_have_count(0)
        await page.evaluate("getSelection().removeAllRanges()")
        await expect(badge(portal.subscription, "ending")).to_be_visible()


async def test_a_focused_filter_is_not_replaced_or_reset(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await portal.status.focus()
        stage.change(invoices=[scenes.invoice(14, "refunded")])
        await page.wait_for_timeout(700)
        await expect(portal.status).to_be_focused()
        await portal.status.select_option("void")
        await expect(portal.no_match).to_be_visible()
        await expect(portal.status).to_be_focused()
        await expect(page.locator("#said")).to_have_text(await portal.no_match.inner_text())
        await portal.page.locator("#edit-method").focus()
        await page.wait_for_timeout(300)
        await expect(portal.no_match).to_be_visible()
        assert "status=void" in page.url


async def test_a_filtered_history_updates_while_its_filter_has_the_focus(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await portal.year.focus()
        await portal.year.select_option("2022")
        await expect(portal.no_match).to_be_visible()
        stage.change(invoice_years=[2024, 2023, 2022])
        await expect(portal.invoices.get_by_role("option", name="2024")).to_have_count(1)
        await expect(portal.year).to_be_focused()
        await portal.year.press("Shift")
        stage.change(invoice_years=[2025, 2024, 2023, 2022])
        await page.wait_for_timeout(700)
        await expect(portal.invoices.get_by_role("option", name="2025")).to_have_count(0)
        await portal.page.locator("#edit-method").focus()
        await expect(portal.invoices.get_by_role("option", name="2025")).to_have_count(1)


async def test_keeping_a_subscription_keeps_the_filter(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.ending())) as (_, portal):
        await portal.status.select_option("void")
        await expect(portal.no_match).to_be_visible()
        await portal.keep()
        await expect(badge(portal.subscription, "active")).to_be_visible()
        await expect(portal.no_match).to_be_visible()
        await expect(portal.live_region).to_have_text(spanish(KEEP_CONFIRMATION))
        assert len(await announcements(page)) == 2
