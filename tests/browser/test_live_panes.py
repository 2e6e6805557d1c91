"""Panes update in every tab, keep focus, selection and menus, and announce the change in one sentence."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from browser.live_stage import LiveStage
from playwright.async_api import Page, expect

from portal_gateway.application.view import Pending
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, Visitor

CANCELLING: Pending = {
    "kind": "cancellation",
    "aggregate": f"subscription-{scenes.PREMIUM}",
    "version": 13,
    "accepted_at": "",
    "detail": {"mode": "at_period_end", "effective_at": scenes.instant(2023, 6, 14)},
}
ENDS = "Termina el 14 de junio"
BACKUP = scenes.subscription("trialing", id=scenes.invoice_id(99), plan=scenes.plan(name="Respaldo Anual"))


@asynccontextmanager
async def live_portal(page: Page, view: Any = None) -> AsyncIterator[tuple[LiveStage, PortalPage]]:
    async with LiveStage(view).open() as stage:
        portal = await Visitor(page, stage.link).enter()
        await page.evaluate("""() => {
            window.announcements = [];
            const note = () => said.textContent && announcements.push(said.textContent);
            new MutationObserver(note).observe(said, { childList: true });
        }""")
        yield stage, portal


async def announcements(page: Page) -> list[str]:
    """All announcements in the live region."""
    found: list[str] = await page.evaluate("announcements")
    return found


async def test_a_page_shows_that_it_is_stale_since_when_and_when_it_ends(page: Page) -> None:
    async with live_portal(page) as (stage, _):
        fresh = stage.views.shown
        stage.views.shown = replace(fresh, stale=True, as_of=datetime.now(UTC) - timedelta(minutes=3, seconds=5))
        await expect(page.locator("[data-stale]")).to_contain_text("de hace 3 min")
        stage.views.shown = replace(fresh, stale=True, as_of=datetime.now(UTC) - timedelta(minutes=4, seconds=5))
        await expect(page.locator("[data-stale]")).to_contain_text("de hace 4 min")
        stage.views.shown = fresh
        await expect(page.locator("[data-stale]")).to_have_count(0)
        assert await announcements(page) == ["Puede haber cambios recientes que todavía no vemos."]


async def test_a_command_of_one_tab_is_shown_as_pending_in_the_other(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        stage.views.shown = replace(stage.views.shown, pending=(CANCELLING,))
        await expect(portal.subscription).to_contain_text("en camino")
        await expect(portal.subscription.get_by_role("button")).to_have_count(0)
        stage.views.shown = replace(stage.views.shown, pending=())
        stage.change(subscriptions=[scenes.ending()])
        await expect(portal.subscription).to_contain_text(ENDS)


async def test_every_open_tab_updates(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        second = await page.context.new_page()
        await second.goto(stage.origin)
        stage.change(subscriptions=[scenes.ending()])
        await expect(portal.subscription).to_contain_text(ENDS)
        await expect(PortalPage(second).subscription).to_contain_text(ENDS)


async def test_a_change_of_several_panes_is_announced_in_one_sentence(page: Page) -> None:
    async with live_portal(page) as (stage, _):
        owing = scenes.owing().facts
        stage.change(subscriptions=owing["subscriptions"], invoices=owing["invoices"], payment_method=owing["payment_method"])
        await expect(page.locator("#said")).to_have_text("No pudimos cobrar 29.99 USD.")
        await page.wait_for_timeout(400)
        assert await announcements(page) == ["No pudimos cobrar 29.99 USD."]


async def test_a_rebuilt_view_with_a_lower_revision_is_shown(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        stage.views.shown = replace(scenes.view(scenes.ending()), revision=1)
        await expect(portal.subscription).to_contain_text(ENDS)


async def test_a_focused_button_keeps_the_focus(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        button = portal.method.get_by_role("button", name="Editar método de pago")
        await button.focus()
        before = await button.element_handle()
        stage.change(payment_method={**scenes.facts()["payment_method"], "last4": "1111"})  # type: ignore[dict-item]
        await expect(portal.method).to_contain_text("1111")
        await expect(button).to_be_focused()
        assert not await button.evaluate("(now, before) => now === before", before)


async def test_when_a_focused_button_disappears_the_panes_title_gets_the_focus(page: Page) -> None:
    async with live_portal(page, scenes.owing()) as (stage, portal):
        await portal.subscription.get_by_role("button", name="Cancelar").focus()
        stage.change(subscriptions=[scenes.subscription("canceled")])
        await expect(page.get_by_role("heading", name="Detalles de la suscripción actual")).to_be_focused()


async def test_the_switcher_shows_the_status_of_each_subscription(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.subscription(), BACKUP)) as (stage, portal):
        chosen = page.locator(".switch [aria-current]")
        await expect(chosen).to_have_text("Premium Mensual Activa")
        stage.change(subscriptions=[scenes.ending(), BACKUP])
        await expect(portal.subscription).to_contain_text(ENDS)
        await expect(chosen).to_have_text(f"Premium Mensual {ENDS}")
        stage.change(subscriptions=[scenes.ending(), {**BACKUP, "status": "canceled"}])
        await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_text("Respaldo Anual Terminada")


async def test_the_switcher_follows_a_cancellation_and_its_withdrawal(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.subscription(), BACKUP)) as (_, portal):
        chosen = page.locator(".switch [aria-current]")
        dialog = await portal.cancel()
        await dialog.confirm()
        await dialog.close()
        await expect(chosen).to_have_text(f"Premium Mensual {ENDS}")
        await portal.keep()
        await expect(chosen).to_have_text("Premium Mensual Activa")


async def test_a_new_subscription_can_be_chosen(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await portal.invoices.get_by_label("Estado").select_option("Anulado")
        await expect(portal.invoices).to_contain_text("Ninguna factura coincide con el filtro.")
        await expect(page.get_by_role("navigation")).to_have_count(0)
        stage.change(subscriptions=[scenes.subscription(), BACKUP])
        await page.get_by_role("link", name="Respaldo Anual").click()
        await expect(portal.subscription).to_contain_text("Prueba gratis hasta")
        await expect(portal.invoices.get_by_label("Estado")).to_have_value("void")


async def test_a_focused_subscription_keeps_the_focus(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.subscription(), BACKUP)) as (stage, _):
        link = page.get_by_role("link", name="Respaldo Anual")
        await link.focus()
        before = await link.element_handle()
        stage.change(subscriptions=[scenes.ending(), BACKUP])
        await expect(page.locator(".switch [aria-current]")).not_to_contain_text("Activa")
        await expect(link).to_be_focused()
        assert not await link.evaluate("(now, before) => now === before", before)


async def test_an_open_menu_stays_open_and_the_update_follows_when_it_closes(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await portal.invoices.get_by_text("Descargar todo").click()
        stage.change(invoices=[scenes.invoice(14, "refunded")])
        await page.wait_for_timeout(700)
        await expect(portal.invoices.get_by_role("link", name="Hoja de cálculo")).to_be_visible()
        rows = portal.invoices.get_by_role("list")
        await expect(rows).not_to_contain_text("Reembolsado")
        await page.keyboard.press("Escape")
        await expect(rows).to_contain_text("Reembolsado")


async def test_selected_text_stays_selected(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await page.evaluate("""() => getSelection().selectAllChildren(document.querySelector("#pane-subscription .lead"))""")
        stage.change(subscriptions=[scenes.ending()])
        await page.wait_for_timeout(700)
        assert await page.evaluate("String(getSelection())") == "Premium Mensual"
        await expect(portal.subscription).not_to_contain_text(ENDS)
        await page.evaluate("getSelection().removeAllRanges()")
        await expect(portal.subscription).to_contain_text(ENDS)


async def test_a_focused_filter_is_not_replaced_or_reset(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await portal.invoices.get_by_label("Estado").focus()
        stage.change(invoices=[scenes.invoice(14, "refunded")])
        await page.wait_for_timeout(700)
        await expect(portal.invoices.get_by_label("Estado")).to_be_focused()
        await portal.invoices.get_by_label("Estado").select_option("Anulado")
        await expect(portal.invoices).to_contain_text("Ninguna factura coincide con el filtro.")
        await expect(portal.invoices.get_by_label("Estado")).to_be_focused()
        await expect(page.locator("#said")).to_have_text("Ninguna factura coincide con el filtro.")
        await portal.method.get_by_role("button").focus()
        await page.wait_for_timeout(300)
        await expect(portal.invoices).to_contain_text("Ninguna factura coincide con el filtro.")
        assert "status=void" in page.url


async def test_a_filtered_history_updates_while_its_filter_has_the_focus(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await portal.invoices.get_by_label("Año").focus()
        await portal.invoices.get_by_label("Año").select_option("2022")
        await expect(portal.invoices).to_contain_text("Ninguna factura coincide con el filtro.")
        stage.change(invoice_years=[2024, 2023, 2022])
        await expect(portal.invoices.get_by_role("option", name="2024")).to_have_count(1)
        await expect(portal.invoices.get_by_label("Año")).to_be_focused()
        await portal.invoices.get_by_label("Año").press("Shift")
        stage.change(invoice_years=[2025, 2024, 2023, 2022])
        await page.wait_for_timeout(700)
        await expect(portal.invoices.get_by_role("option", name="2025")).to_have_count(0)
        await portal.method.get_by_role("button").focus()
        await expect(portal.invoices.get_by_role("option", name="2025")).to_have_count(1)


async def test_keeping_a_subscription_keeps_the_filter(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.ending())) as (_, portal):
        await portal.invoices.get_by_label("Estado").select_option("Anulado")
        await expect(portal.invoices).to_contain_text("Ninguna factura coincide con el filtro.")
        await portal.keep()
        await expect(portal.subscription).to_contain_text("Tu suscripción se renueva")
        await expect(portal.invoices).to_contain_text("Ninguna factura coincide con el filtro.")
        await expect(portal.live_region).to_have_text(re.compile("Mantienes tu suscripción"))
        assert len(await announcements(page)) == 2
