"""Paying a debt with the card on file: the listed amount, and the outcome on the current page."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from browser.gallery_payments import facing, owing
from browser.live_stage import LiveStage
from playwright.async_api import Locator, Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, Visitor

UNPAID = scenes.invoice_id(14)


@asynccontextmanager
async def paying(page: Page, begun: int = 0, **facts: Any) -> AsyncIterator[tuple[LiveStage, PortalPage, Locator]]:
    """Open the payment dialog at the debt."""
    stage = LiveStage(owing())
    facing(begun, **facts)(stage)
    async with stage.open():
        portal = await Visitor(page, stage.link).enter()
        button = page.get_by_role("button", name="Pagar ahora con Visa •••• 4242")
        await expect(page.get_by_role("button", name="Actualizar tarjeta y pagar")).to_be_visible()
        await expect(button).to_have_accessible_description(re.compile("^Este pago salda lo que debes por el periodo"))
        await button.click()
        await expect(portal.dialog.get_by_role("heading", level=1)).to_be_focused()
        yield stage, portal, portal.dialog


async def confirm(dialog: Locator) -> None:
    await dialog.get_by_role("button", name="Confirmar y pagar").click()


async def test_the_listed_debt_is_paid_with_two_clicks_and_the_page_updates(page: Page) -> None:
    async with paying(page) as (stage, portal, dialog):
        await expect(dialog.locator("dl > div")).to_have_text(["TS-000014 · 14 may 202329.99 USD"])
        await expect(dialog.get_by_role("button", name="Confirmar y pagar 29.99 USD")).to_be_visible()
        await confirm(dialog)
        await expect(dialog.get_by_role("heading", level=1)).to_have_text("Tu pago")
        await expect(dialog.locator("#payment-outcome")).to_contain_text("Pagado")
        await expect(dialog).to_contain_text("Tu suscripción está activa y se renueva el 14 de junio.")
        await dialog.get_by_role("link", name="Cerrar").click()
        await expect(portal.subscription).to_contain_text("Tu suscripción se renueva el 14 de junio de 2023")
        assert [asked["amount"] for asked in stage.live_payments.asked] == [{"amount_minor": 2999, "currency": "USD"}]


async def test_begun_periods_are_in_the_list_and_in_the_total(page: Page) -> None:
    async with paying(page, begun=1) as (stage, _, dialog):
        await expect(dialog.locator("dl > div")).to_have_text(
            ["TS-000014 · 14 may 202329.99 USD", "14 de junio – 15 de julio29.99 USD", "Total59.98 USD"]
        )
        await dialog.get_by_role("button", name="Confirmar y pagar 59.98 USD").click()
        await expect(dialog.locator("#payment-outcome dl > div")).to_have_text(
            ["TS-000014 · 29.99 USDPagado", "TS-000015 · 29.99 USDPagado"]
        )
        assert stage.live_payments.asked[0]["amount"] == {"amount_minor": 5998, "currency": "USD"}


async def test_a_period_that_begins_meanwhile_is_shown_before_it_is_paid(page: Page) -> None:
    async with paying(page) as (stage, _, dialog):
        facing(1)(stage)
        await confirm(dialog)
        await expect(dialog.get_by_role("alert")).to_contain_text("Lo que pagarías cambió y no se cobró nada.")
        await dialog.get_by_role("button", name="Confirmar y pagar 59.98 USD").click()
        await expect(dialog.locator("#payment-outcome")).to_contain_text("Pagado")
        assert [asked["amount"]["amount_minor"] for asked in stage.live_payments.asked] == [2999, 5998]
        assert len({asked["key"] for asked in stage.live_payments.asked}) == 2


async def test_a_slow_charge_shows_its_outcome_on_the_current_page(page: Page) -> None:
    async with paying(page, becomes="processing") as (stage, _, dialog):
        await confirm(dialog)
        await expect(dialog.locator("#payment-outcome")).to_contain_text("En proceso")
        await expect(dialog).to_contain_text("Tu banco todavía no responde.")
        close = dialog.get_by_role("link", name="Cerrar")
        await close.focus()
        stage.live_payments.end(UNPAID, "paid")
        await expect(dialog.locator("#payment-outcome")).to_contain_text("Pagado")
        await expect(close).to_be_focused()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await page.wait_for_timeout(2600)
        assert [url for url in requests if "/payment" in url] == [], "what is known is not asked for again"


async def test_a_failed_payment_offers_another_card(page: Page) -> None:
    async with paying(page, becomes="failed", reason="insufficient_funds") as (_, _, dialog):
        await confirm(dialog)
        await expect(dialog).to_contain_text("El cobro falló y no se cobró nada.")
        await expect(dialog).to_contain_text("Tu banco rechazó la tarjeta por fondos insuficientes.")
        await dialog.get_by_role("link", name="Actualizar tarjeta y pagar").click()
        await expect(dialog.locator("[data-card] iframe")).to_be_visible()


async def test_a_double_click_pays_once(page: Page) -> None:
    async with paying(page) as (stage, _, dialog):
        await dialog.get_by_role("button", name="Confirmar y pagar").dblclick()
        await expect(dialog.locator("#payment-outcome")).to_contain_text("Pagado")
        assert len(stage.live_payments.asked) == 1


async def test_card_entry_lists_begun_periods_and_says_what_it_pays(page: Page) -> None:
    stage = LiveStage(owing())
    facing(1)(stage)
    async with stage.open():
        portal = await Visitor(page, stage.link).enter()
        dialog = await portal.pay_debt()
        await expect(dialog.root.locator("[data-due] dl > div")).to_have_text(
            ["TS-000014 · 14 may 202329.99 USD", "14 de junio – 15 de julio29.99 USD", "Total59.98 USD"]
        )
        await expect(dialog.root.locator("[data-does]")).to_contain_text("Este pago salda lo que debes")
        await dialog.fill("4242424242424242")
        await expect(dialog.frame.get_by_role("button", name="Confirmar y pagar 59.98 USD")).to_be_visible()
        await dialog.confirm()
        await expect(dialog.root).to_contain_text("Método de pago actualizado")
        charges = dialog.root.locator("[data-charge]")
        await expect(charges).to_have_text(["TS-000014 · 29.99 USDPagado", "14 de junio – 15 de julio · 29.99 USDPagado"])
        await expect(dialog.root).not_to_contain_text("Tu banco todavía no responde")
        [asked] = stage.live_payments.asked
        assert asked["totals"] == [{"amount_minor": 5998, "currency": "USD"}]
        assert len(asked["charges"]) == 2


async def test_without_scripts_the_same_pages_follow(page: Page) -> None:
    context = await page.context.browser.new_context(java_script_enabled=False, locale="es-MX")  # type: ignore[union-attr]
    stage = LiveStage(owing())
    facing(1)(stage)
    async with stage.open():
        plain = await context.new_page()
        await plain.goto(f"{stage.origin}/enter")
        await plain.get_by_label("Pega aquí tu enlace").fill(stage.link)
        await plain.get_by_role("button", name="Entrar").click()
        await plain.get_by_role("button", name="Pagar ahora con Visa •••• 4242").click()
        await plain.get_by_role("button", name="Confirmar y pagar 59.98 USD").click()
        await expect(plain.get_by_role("heading", level=1)).to_have_text("Tu pago")
        await expect(plain.locator("#payment-outcome")).to_contain_text("Pagado")
        await plain.get_by_role("link", name="Cerrar").click()
        await expect(plain).to_have_url(f"{stage.origin}/")
    await context.close()
