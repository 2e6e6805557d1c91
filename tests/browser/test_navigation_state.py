"""The chosen subscription and the filter survive dialogs, results, a change of language and the way back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from browser.fast_time import finish_animations
from browser.live_stage import MASTERCARD, LiveStage
from playwright.async_api import Page, expect

from portal_gateway.adapters.page.assets import Assets
from portal_gateway.domain.access import Session
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, back_to_portal, badge, language_link, press, sheet

SECOND = scenes.subscription("trialing", id=scenes.invoice_id(99), plan=scenes.plan(name="Respaldo Anual"))


@asynccontextmanager
async def second_subscription(page: Page) -> AsyncIterator[tuple[LiveStage, PortalPage]]:
    """Open the second subscription with a filter on the history."""
    async with LiveStage(scenes.view(scenes.subscription(), SECOND)).open() as stage:
        portal = await stage.enter(page)
        await page.get_by_role("link", name="Respaldo Anual").click()
        await portal.status.select_option("void")
        await expect(portal.no_match).to_be_visible()
        yield stage, portal


async def expect_subscription_and_filter(page: Page, portal: PortalPage) -> None:
    await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")
    await expect(portal.status).to_have_value("void")
    assert f"subscription={SECOND['id']}" in page.url
    assert "status=void" in page.url


async def test_dialogs_and_a_new_card_keep_subscription_and_filter(page: Page) -> None:
    async with second_subscription(page) as (_, portal):
        await portal.cancel()
        await page.keyboard.press("Escape")
        await expect_subscription_and_filter(page, portal)
        dialog = await portal.edit_card()
        await dialog.fill(MASTERCARD)
        await dialog.confirm()
        await dialog.close()
        await expect(portal.method).to_contain_text("Mastercard •••• 4444")
        await expect(portal.status).to_have_value("void")
        await page.reload()
        await expect(portal.status).to_have_value("void")


async def test_another_language_and_a_reload_keep_subscription_and_filter(page: Page) -> None:
    async with second_subscription(page) as (_, portal):
        await language_link(page, "en").click()
        await expect(portal.status).to_have_value("void")
        assert "lang=" not in page.url
        await language_link(page, "es").click()
        await expect_subscription_and_filter(page, portal)
        await page.reload()
        await expect_subscription_and_filter(page, portal)


async def test_the_card_page_leads_back_to_subscription_and_filter(page: Page) -> None:
    async with second_subscription(page) as (stage, portal):
        alone = f"{stage.origin}/payment-method?subscription={SECOND['id']}&status=void"
        await page.goto(alone)
        frame = page.frame_locator("iframe")
        await press(frame.locator("#back"))
        await expect_subscription_and_filter(page, portal)
        await page.route(f"**{Assets().url('card.js')}", lambda route: route.abort())
        await page.goto(alone)
        again = page.locator(".late a.primary")
        await again.wait_for(state="attached")
        await finish_animations(page)
        await expect(again).to_be_visible()
        await page.unroute_all()
        await again.click()
        await expect(frame.locator("#number")).to_be_enabled()
        await press(frame.locator("#back"))
        await expect_subscription_and_filter(page, portal)


async def test_the_subscription_switcher_keeps_the_filter_and_back_restores_both(page: Page) -> None:
    async with second_subscription(page) as (_, portal):
        await page.get_by_role("link", name="Premium Mensual").click()
        await expect(portal.status).to_have_value("void")
        await expect(page.get_by_role("link", name="Premium Mensual")).to_have_attribute("aria-current", "true")
        await page.go_back()
        await expect_subscription_and_filter(page, portal)
        await page.go_back()
        await expect(portal.status).to_have_value("")
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)


async def test_an_invoice_leads_back_to_the_chosen_subscription(page: Page) -> None:
    async with second_subscription(page) as (_, portal):
        await portal.page.locator("#clear").click()
        await portal.open_invoice("TS-000014")
        await language_link(page, "en").click()
        await expect(sheet(page, "invoice")).to_contain_text("TS-000014")
        await back_to_portal(page).click()
        await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")


async def test_invoices_are_leafed_through_and_lead_back_to_the_same_place(page: Page) -> None:
    async with second_subscription(page) as (stage, portal):

        async def invoice(_: Session, id: UUID) -> dict[str, Any]:
            row = next(row for row in stage.views.shown.facts["invoices"] if row["id"] == str(id))
            return scenes.whole_invoice(id=row["id"], number=row["number"])

        stage.invoicing.invoice = invoice  # type: ignore[method-assign, assignment]
        await portal.page.locator("#clear").click()
        await portal.open_invoice("TS-000014")
        await expect(page.locator("#later")).to_have_count(0)
        for number in ("TS-000013", "TS-000012"):
            await page.locator("#earlier").click()
            await expect(sheet(page, "invoice")).to_contain_text(number)
        await page.locator("#later").click()
        await expect(sheet(page, "invoice")).to_contain_text("TS-000013")
        await page.locator("#back").click()
        await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")


async def test_live_updates_show_the_chosen_subscription(page: Page) -> None:
    async with second_subscription(page) as (stage, portal):
        stage.change(subscriptions=[scenes.subscription("canceled"), {**SECOND, "status": "active"}])
        await expect(badge(portal.subscription, "active")).to_be_visible()
        await expect_subscription_and_filter(page, portal)
