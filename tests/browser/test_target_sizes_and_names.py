"""Sizes of targets, names of rows, and what works without scripts."""

import asyncio
import json

from browser.keyboard import Keyboard
from browser.live_stage import LiveStage
from playwright.async_api import Browser, Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, Visitor


async def test_the_card_frame_is_as_high_as_its_content(page: Page) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        portal = await Visitor(page, stage.link).enter()
        for width in (320, 1280):
            await page.set_viewport_size({"width": width, "height": 860})
            await portal.pay_debt()
            scrolls = "document.documentElement.scrollHeight > document.documentElement.clientHeight"
            async with asyncio.timeout(5):
                while await page.frames[1].evaluate(scrolls):
                    await asyncio.sleep(0.05)
            await Keyboard(page).press("Escape")


async def test_targets_are_large_enough_for_a_thumb(page: Page) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        await Visitor(page, stage.link).enter()
        await page.set_viewport_size({"width": 390, "height": 844})
        small = await page.evaluate("""() => [...document.querySelectorAll("a, button, summary, select")]
            .filter((element) => element.checkVisibility() && !element.matches(".skip"))
            .map((element) => [element.textContent.trim(), element.getBoundingClientRect().height])
            .filter(([, height]) => height < 40)""")
    assert json.dumps(small) == "[]"


async def test_the_name_of_a_row_is_its_text(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal = await Visitor(page, stage.link).enter()
        row = portal.invoices.get_by_role("listitem").first.get_by_role("link").first
        await expect(row).to_have_accessible_name("14 may 2023 Ver factura TS-000014 Premium Mensual 29.99 USD Pagado")


async def test_without_scripts_everything_except_the_card_works(browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="es-MX")
    page = await context.new_page()
    async with LiveStage().open() as stage:
        await page.goto(f"{stage.origin}/enter")
        await page.get_by_label("Pega aquí tu enlace").fill(stage.link)
        await page.get_by_role("button", name="Entrar").click()
        portal = PortalPage(page)
        await portal.subscription.get_by_role("button", name="Cancelar suscripción").click()
        await page.get_by_label("¿Por qué cancelas?").select_option("Otro motivo")
        await page.get_by_role("button", name="Confirmar cancelación").click()
        await expect(page.get_by_role("heading", name="Tu cancelación quedó registrada")).to_be_visible()
        await page.get_by_role("button", name="Mantener mi suscripción").click()
        await expect(page.get_by_text("Mantienes tu suscripción")).to_be_visible()
        await portal.method.get_by_role("button", name="Editar método de pago").click()
        await expect(page.get_by_text("hace falta JavaScript")).to_be_visible()
        await page.get_by_role("link", name="Volver al portal").click()
        await page.get_by_text("Salir", exact=True).click()
        await page.get_by_role("button", name="Salir de este navegador").click()
        await expect(page.get_by_role("heading", name="Tu sesión terminó")).to_be_visible()
    await context.close()
