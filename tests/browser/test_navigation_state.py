"""The chosen subscription and the filter survive dialogs, results, a change of language and the way back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from browser.live_stage import MASTERCARD, LiveStage
from playwright.async_api import Page, expect

from portal_gateway.adapters.page.assets import Assets
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, Visitor, press

SECOND = scenes.subscription("trialing", id=scenes.invoice_id(99), plan=scenes.plan(name="Respaldo Anual"))


@asynccontextmanager
async def second_subscription(page: Page) -> AsyncIterator[tuple[LiveStage, PortalPage]]:
    """Open the second subscription with a filter on the history."""
    async with LiveStage(scenes.view(scenes.subscription(), SECOND)).open() as stage:
        portal = await Visitor(page, stage.link).enter()
        await page.get_by_role("link", name="Respaldo Anual").click()
        await portal.invoices.get_by_label("Estado").select_option("Anulado")
        await expect(portal.invoices).to_contain_text("Ninguna factura coincide con el filtro.")
        yield stage, portal


async def expect_subscription_and_filter(page: Page, portal: PortalPage) -> None:
    await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")
    await expect(portal.invoices.get_by_label("Estado")).to_have_value("void")
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
        await expect(portal.invoices.get_by_label("Estado")).to_have_value("void")
        await page.reload()
        await expect(portal.invoices.get_by_label("Estado")).to_have_value("void")


async def test_another_language_and_a_reload_keep_subscription_and_filter(page: Page) -> None:
    async with second_subscription(page) as (_, portal):
        await page.get_by_role("link", name="English").click()
        await expect(portal.pane("Invoice history").get_by_label("Status")).to_have_value("void")
        assert "lang=" not in page.url
        await page.get_by_role("link", name="Español").click()
        await expect_subscription_and_filter(page, portal)
        await page.reload()
        await expect_subscription_and_filter(page, portal)


async def test_the_card_page_leads_back_to_subscription_and_filter(page: Page) -> None:
    async with second_subscription(page) as (stage, portal):
        alone = f"{stage.origin}/payment-method?subscription={SECOND['id']}&status=void"
        await page.goto(alone)
        frame = page.frame_locator("iframe")
        await press(frame.get_by_role("button", name="Volver"))
        await expect_subscription_and_filter(page, portal)
        await page.route(f"**{Assets().url('card.js')}", lambda route: route.abort())
        await page.goto(alone)
        again = page.get_by_role("link", name="Intentar de nuevo")
        await expect(again).to_be_visible()
        await page.unroute_all()
        await again.click()
        await expect(frame.get_by_label("Número de tarjeta")).to_be_enabled()
        await press(frame.get_by_role("button", name="Volver"))
        await expect_subscription_and_filter(page, portal)


async def test_the_subscription_switcher_keeps_the_filter_and_back_restores_both(page: Page) -> None:
    async with second_subscription(page) as (_, portal):
        await page.get_by_role("link", name="Premium Mensual").click()
        await expect(portal.invoices.get_by_label("Estado")).to_have_value("void")
        await expect(page.get_by_role("link", name="Premium Mensual")).to_have_attribute("aria-current", "true")
        await page.go_back()
        await expect_subscription_and_filter(page, portal)
        await page.go_back()
        await expect(portal.invoices.get_by_label("Estado")).to_have_value("")
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)


async def test_an_invoice_leads_back_to_the_chosen_subscription(page: Page) -> None:
    async with second_subscription(page) as (_, portal):
        await portal.invoices.get_by_role("link", name="Quitar filtro").click()
        await portal.open_invoice("TS-000014")
        await page.get_by_role("link", name="English").click()
        await expect(page.get_by_role("heading", name="Invoice TS-000014")).to_be_visible()
        await page.get_by_role("link", name="Back to the portal").click()
        await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")


async def test_live_updates_show_the_chosen_subscription(page: Page) -> None:
    async with second_subscription(page) as (stage, portal):
        stage.change(subscriptions=[scenes.subscription("canceled"), {**SECOND, "status": "active"}])
        await expect(portal.subscription).to_contain_text("Activa")
        await expect_subscription_and_filter(page, portal)
