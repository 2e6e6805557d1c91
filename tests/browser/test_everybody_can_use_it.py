"""Accessibility: axe on every state, at each width of the design, and what works without a script."""

import json
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from browser.pages import PortalPage, Visitor
from browser.staged import LivingStage
from playwright.async_api import Browser, Page, expect
from unit.portal_page import scenes

LONG = "Suscripción Empresarial Ilimitada con Soporte Prioritario y Almacenamiento Extendido"
BIG = {"amount_minor": 123456789012, "currency": "COP"}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
STATES = {
    "usual": scenes.view(),
    "owing": scenes.owing(),
    "ending": scenes.view(scenes.ending()),
    "new": scenes.view(scenes.subscription("trialing"), invoices=[], invoice_count=0, invoice_years=[], payment_method=None),
    "late": scenes.view(scenes.subscription("canceled", stale=True), merchant=scenes.merchant(branding={"colour": "#ffd400"})),
    "long": scenes.view(
        scenes.subscription(plan=scenes.plan(name=LONG, description=LONG, price=BIG)),
        scenes.subscription("unpaid", id=scenes.invoice_id(99), plan=scenes.plan(name=LONG)),
        invoices=[scenes.invoice(14, "uncollectible", plan_name=LONG, total=BIG)],
        merchant=scenes.merchant(name=LONG),
    ),
}


async def problems(page: Page) -> list[Any]:
    found = await Axe().run(page, options=RULES)
    return [(v["id"], [node["html"][:150] for node in v["nodes"]]) for v in found.response["violations"]]


async def overflows(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.parametrize("state", STATES)
async def test_every_state_is_accessible_at_every_width_and_in_the_dark(page: Page, state: str) -> None:
    async with LivingStage(STATES[state]).open() as stage:
        await Visitor(page, stage.link).arrive()
        for width in (320, 768, 900, 1280):
            await page.set_viewport_size({"width": width, "height": 860})
            assert not await overflows(page), width
            assert await problems(page) == [], width
        await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        assert await problems(page) == []


async def test_dialogs_and_pages_of_their_own_are_accessible(page: Page) -> None:
    async with LivingStage(scenes.owing()).open() as stage:
        portal = await Visitor(page, stage.link).arrive()
        await page.set_viewport_size({"width": 320, "height": 860})
        await portal.cancel()
        assert await problems(page) == []
        await page.keyboard.press("Escape")
        await portal.pay_debt()
        assert await problems(page) == []
        inner = page.frames[1]
        assert not await inner.evaluate("document.documentElement.scrollHeight > document.documentElement.clientHeight")
        for path in (f"/invoices/{scenes.invoice_id(14)}", f"/subscriptions/{scenes.PREMIUM}/cancel", "/ended", "/no/such/page"):
            await page.goto(stage.origin + path)
            assert not await overflows(page), path
            assert await problems(page) == [], path


async def test_targets_are_large_enough_for_a_thumb(page: Page) -> None:
    async with LivingStage(scenes.owing()).open() as stage:
        await Visitor(page, stage.link).arrive()
        await page.set_viewport_size({"width": 390, "height": 844})
        small = await page.evaluate("""() => [...document.querySelectorAll("a, button, summary, select")]
            .filter((element) => element.checkVisibility() && !element.matches(".skip"))
            .map((element) => [element.textContent.trim(), element.getBoundingClientRect().height])
            .filter(([, height]) => height < 40)""")
    assert json.dumps(small) == "[]"


async def test_a_row_is_named_by_what_it_says(page: Page) -> None:
    async with LivingStage().open() as stage:
        portal = await Visitor(page, stage.link).arrive()
        row = portal.invoices.get_by_role("listitem").first.get_by_role("link").first
        await expect(row).to_have_accessible_name("14 may 2023 Premium Mensual 29.99 USD Pagado Ver factura TS-000014")


async def test_without_a_script_everything_but_the_card_works(browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="es-MX")
    page = await context.new_page()
    async with LivingStage().open() as stage:
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
