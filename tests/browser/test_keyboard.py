"""Every flow by keyboard: the focus is right, visible and never lost."""

import re
from dataclasses import replace

import pytest
from browser.keyboard import Keyboard
from browser.live_stage import DECLINED, LiveStage
from playwright.async_api import Browser, Page, expect

from portal_gateway.application.view import View
from portal_gateway.domain.view import CustomerView
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, Visitor

VISA = "4242424242424242"
NEWEST = "link 14 may 2023 Ver factura TS-000014 Premium Mensual 29.99 USD Pagado"
CANCEL, EDIT, KEEP = "button Cancelar suscripción", "button Editar método de pago", "button Mantener mi suscripción"
FOOT = ["link soporte@techsolutions.example", "link Términos", "link Privacidad", "link English"]
TOPS = """() => {
    const box = document.activeElement.getBoundingClientRect();
    const scrolled = document.querySelector("dialog[open]")?.scrollTop ?? scrollY;
    return [Math.round(box.top + scrolled), Math.round(box.bottom + scrolled)];
}"""


def few(view: View) -> View:
    """The view with two invoices: every row has the same tab stops."""
    facts: CustomerView = {**view.facts, "invoices": view.facts["invoices"][:2]}
    return replace(view, facts=facts)


async def enter(page: Page, stage: LiveStage) -> tuple[PortalPage, Keyboard]:
    return await Visitor(page, stage.link).enter(), Keyboard(page)


async def assert_reading_order(keyboard: Keyboard, last: str) -> None:
    """Assert that no stop lies wholly above the one before it."""
    above = 0
    stop = ""
    while stop != last:
        stop = await keyboard.next()
        top, bottom = await keyboard.page.evaluate(TOPS)
        assert bottom > above, stop
        above = top


async def test_tab_stops_follow_the_reading_order(page: Page) -> None:
    async with LiveStage(few(scenes.view())).open() as stage:
        _, keyboard = await enter(page, stage)
        assert await keyboard.all_stops() == [
            "link Ir al contenido",
            "menu Salir",
            CANCEL,
            EDIT,
            "menu Descargar todo",
            "combobox Año",
            "combobox Estado",
            NEWEST,
            "link Descargar PDF de TS-000014",
            "link 14 abr 2023 Ver factura TS-000013 Premium Mensual 29.99 USD Pagado",
            "link Descargar PDF de TS-000013",
            "link Ver facturas anteriores",
            *FOOT,
        ]
        await keyboard.back(*reversed(FOOT), "link Ver facturas anteriores")


@pytest.mark.parametrize("media", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}], ids=str)
async def test_the_focus_is_visible_at_every_stop(page: Page, media: dict[str, str]) -> None:
    async with LiveStage(few(scenes.owing())).open() as stage:
        await page.emulate_media(**media)  # type: ignore[arg-type]
        _, keyboard = await enter(page, stage)
        await keyboard.reach("button Cancelar suscripción")
        await keyboard.press("Enter")
        await keyboard.wait_for("heading Cancelar tu suscripción a Premium Mensual")
        await keyboard.reach("button Confirmar cancelación")
        await keyboard.press("Escape")
        await keyboard.wait_for("button Cancelar suscripción")
        await keyboard.tab(EDIT)
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox Número de tarjeta")
        await keyboard.reach("button Confirmar y pagar 29.99 USD")
        await keyboard.press("Escape")
        await keyboard.wait_for(EDIT)
        await keyboard.reach("link Ver facturas anteriores")
        for path, last in ((f"/invoices/{scenes.invoice_id(14)}", "link Volver al portal"), ("/ended", "button Entrar")):
            await page.goto(stage.origin + path)
            await keyboard.reach(last)


async def test_on_a_small_screen_the_focus_only_moves_down(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    async with LiveStage(few(scenes.owing())).open() as stage:
        portal, keyboard = await enter(page, stage)
        await assert_reading_order(keyboard, FOOT[-1])
        await portal.subscription.get_by_role("button", name="Cancelar").focus()
        await keyboard.press("Enter")
        await keyboard.wait_for("heading Cancelar tu suscripción a Premium Mensual")
        await assert_reading_order(keyboard, "button Confirmar cancelación")
        await keyboard.press("Escape")
        await keyboard.wait_for("button Cancelar suscripción")
        await keyboard.tab(EDIT)
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox Número de tarjeta")
        await assert_reading_order(keyboard, "button Confirmar y pagar 29.99 USD")


async def test_the_skip_link_leads_to_the_main_content(page: Page) -> None:
    async with LiveStage().open() as stage:
        _, keyboard = await enter(page, stage)
        await keyboard.tab("link Ir al contenido")
        await keyboard.press("Enter")
        await keyboard.wait_for("main")
        await keyboard.tab(CANCEL)


async def test_invoices_are_filtered_and_opened(page: Page) -> None:
    async with LiveStage(few(scenes.view())).open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach("combobox Año")
        await keyboard.press("ArrowDown", "ArrowDown")
        await expect(page).to_have_url(re.compile("year=2022"))
        await keyboard.wait_for("combobox Año")
        await expect(page.locator(":focus")).to_have_value("2022")
        await keyboard.reach("link Quitar filtro")
        await keyboard.press("Enter")
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(2)
        await keyboard.wait_for("heading Historial de facturas")
        await keyboard.reach(NEWEST)
        await keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Factura TS-000014", level=1)).to_be_visible()
        await keyboard.reach("link Descargar PDF")
        async with page.expect_download() as pdf:
            await keyboard.press("Enter")
        assert (await pdf.value).suggested_filename == "TS-000014.pdf"
        await keyboard.reach("link Volver al portal")
        await keyboard.press("Enter")
        await expect(portal.invoices).to_be_visible()


async def test_a_menu_opens_below_its_button_and_closes_when_the_focus_leaves(page: Page) -> None:
    async with LiveStage(few(scenes.view())).open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach("menu Descargar todo")
        await keyboard.press("Space")
        files = [f"link {name}" for name in await portal.invoices.locator(".menu a").all_inner_texts()]
        await keyboard.tab(*files)
        await keyboard.press("Escape")
        await keyboard.wait_for("menu Descargar todo")
        await expect(portal.invoices.locator(".menu a").first).to_be_hidden()
        await keyboard.press("Enter")
        await keyboard.tab(files[0])
        async with page.expect_download() as history:
            await keyboard.press("Enter")
        assert (await history.value).suggested_filename == "facturas.csv"
        await keyboard.wait_for("menu Descargar todo")
        await keyboard.press("Enter")
        await keyboard.tab(*files, "combobox Año")
        await expect(portal.invoices.locator(".menu a").first).to_be_hidden()


async def test_the_language_and_the_subscription_are_changed(page: Page) -> None:
    other = scenes.subscription("trialing", id=scenes.invoice_id(99), plan=scenes.plan(name="Archivo"))
    async with LiveStage(few(scenes.view(scenes.subscription(), other))).open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach("link Archivo Prueba gratis")
        await keyboard.press("Enter")
        await expect(portal.subscription).to_contain_text("Prueba gratis hasta")
        await keyboard.reach("link English")
        await keyboard.press("Enter")
        await expect(page.locator("html")).to_have_attribute("lang", "en-US")
        await keyboard.reach("link Español")


async def test_a_subscription_is_cancelled_with_a_reason_and_then_kept(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach(CANCEL)
        await keyboard.press("Space")
        await keyboard.wait_for("heading Cancelar tu suscripción a Premium Mensual")
        await keyboard.tab("combobox ¿Por qué cancelas? (opcional)")
        await keyboard.press("ArrowDown")
        await keyboard.tab("textbox Cuéntanos más (opcional)")
        await keyboard.type("Quizá vuelva")
        await keyboard.tab("button Volver", "button Confirmar cancelación")
        await keyboard.press("Space")
        await keyboard.wait_for("heading Tu cancelación quedó registrada")
        asked = stage.subscriptions.asked[0]
        assert (asked["feedback"], asked["comment"]) == ("too_expensive", "Quizá vuelva")
        await keyboard.tab(KEEP, "link Cerrar")
        await keyboard.press("Enter")
        await expect(portal.subscription).to_contain_text("Termina el 14 de junio")
        await keyboard.wait_for("heading Detalles de la suscripción actual")
        await keyboard.tab(KEEP)
        await keyboard.press("Enter")
        await expect(portal.subscription).to_contain_text("se renueva el 14 de junio de 2023")
        await keyboard.wait_for("heading Detalles de la suscripción actual")
        await keyboard.tab(CANCEL)


async def test_keeping_the_subscription_in_the_dialog_returns_to_the_page(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach(CANCEL)
        await keyboard.press("Enter")
        await keyboard.wait_for("heading Cancelar tu suscripción a Premium Mensual")
        await keyboard.reach("button Confirmar cancelación")
        await keyboard.press("Enter")
        await keyboard.wait_for("heading Tu cancelación quedó registrada")
        await keyboard.tab(KEEP)
        await keyboard.press("Enter")
        await expect(portal.dialog).to_be_hidden()
        await keyboard.wait_for(CANCEL)


@pytest.mark.parametrize("leave", ["Escape", "Volver"])
@pytest.mark.parametrize(
    ("opener", "first", "stops"),
    [
        (CANCEL, "heading Cancelar tu suscripción a Premium Mensual", ["combobox", "textbox", "button", "button"]),
        (EDIT, "textbox Número de tarjeta", ["textbox", "textbox", "button", "button"]),
    ],
    ids=["cancel", "card"],
)
async def test_a_dialog_traps_the_focus_and_returns_it(page: Page, opener: str, first: str, stops: list[str], leave: str) -> None:
    async with LiveStage().open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach(opener)
        for _ in range(2):
            await keyboard.press("Enter")
            await keyboard.wait_for(first)
            if leave == "Volver":
                await keyboard.reach("button Volver")
            await keyboard.press("Enter" if leave == "Volver" else "Escape")
            await expect(portal.dialog).to_be_hidden()
            await keyboard.wait_for(opener)
        await keyboard.press("Enter")
        await keyboard.wait_for(first)
        assert [stop.split()[0] for stop in await keyboard.all_stops()] == stops
        assert stage.subscriptions.asked == stage.live_payments.asked == []


async def test_a_dialog_reopened_immediately_keeps_its_content(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal, _ = await enter(page, stage)
        await portal.cancel()
        await page.evaluate("document.getElementById('dialog').close(); document.getElementById('cancel').click()")
        await expect(portal.dialog.get_by_role("heading", name="Cancelar tu suscripción a Premium Mensual")).to_be_focused()


async def test_a_card_is_entered_corrected_declined_and_replaced(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach(EDIT)
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox Número de tarjeta")
        await keyboard.type(DECLINED)
        await keyboard.tab("textbox Vencimiento", "textbox CVV")
        await keyboard.type("123")
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox Vencimiento")
        await expect(portal.dialog.frame_locator("iframe").locator(":focus")).to_have_attribute("aria-invalid", "true")
        await keyboard.type("1230")
        await keyboard.tab("textbox CVV", "button Volver", "button Confirmar")
        await keyboard.press("Enter")
        await expect(portal.dialog.frame_locator("iframe").get_by_role("alert")).to_contain_text("rechazó la tarjeta")
        await keyboard.wait_for("textbox Número de tarjeta")
        await keyboard.press("Control+A")
        await keyboard.type(VISA)
        await keyboard.press("Enter")
        await keyboard.wait_for("heading Método de pago actualizado")
        await keyboard.tab("link Cerrar")
        await keyboard.press("Enter")
        await expect(portal.dialog).to_be_hidden()
        await keyboard.wait_for(EDIT)


async def test_the_focus_stays_on_the_button_while_a_card_is_sent(page: Page) -> None:
    async with LiveStage().open() as stage:
        _, keyboard = await enter(page, stage)
        await page.route("**/api/payment-method", lambda route: None)
        await keyboard.reach(EDIT)
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox Número de tarjeta")
        for text in (VISA, "1230", "123"):
            await keyboard.type(text)
            await keyboard.press("Tab")
        await keyboard.tab("button Confirmar")
        await keyboard.press("Enter")
        await keyboard.wait_for("button Un momento…")
        await page.unroute_all()


async def test_retrying_the_card_frame_does_not_lose_the_focus(page: Page) -> None:
    async with LiveStage().open() as stage:
        _, keyboard = await enter(page, stage)
        await page.route("**/api/payment-method/setup", lambda route: route.abort())
        await keyboard.reach(EDIT)
        await keyboard.press("Enter")
        await keyboard.wait_for("button Intentar de nuevo")
        await page.unroute_all()
        await page.route("**/api/payment-method/setup", lambda route: None)
        await keyboard.press("Enter")
        await keyboard.wait_for("heading Editar método de pago")
        await page.unroute_all()


async def test_a_debt_is_paid(page: Page) -> None:
    async with LiveStage(few(scenes.owing())).open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach("button Actualizar tarjeta y pagar")
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox Número de tarjeta")
        for text in (VISA, "1230", "123"):
            await keyboard.type(text)
            await keyboard.press("Tab")
        await keyboard.tab("button Confirmar y pagar 29.99 USD")
        await keyboard.press("Space")
        await keyboard.wait_for("heading Método de pago actualizado")
        await expect(portal.dialog.locator("[data-charge]").get_by_role("definition")).to_have_text("Pagado")
        await keyboard.press("Escape")
        await expect(page.get_by_text("No pudimos cobrar")).to_be_hidden()
        await keyboard.wait_for("heading Detalles de la suscripción actual")


@pytest.mark.parametrize(
    ("button", "revokes", "title"),
    [
        ("button Salir de este navegador", False, "Tu sesión terminó"),
        ("button Salir y anular este enlace", True, "Saliste y anulaste el enlace"),
    ],
)
async def test_both_ways_of_logging_out(page: Page, button: str, revokes: bool, title: str) -> None:
    async with LiveStage().open() as stage:
        _, keyboard = await enter(page, stage)
        await keyboard.reach("menu Salir")
        await keyboard.press("Enter", "Tab")
        while not (await keyboard.focus()).startswith(button):
            await keyboard.next()
        await keyboard.press("Enter")
        await expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        assert stage.access.ended == [revokes]


async def test_a_link_is_pasted(page: Page, browser: Browser) -> None:
    async with LiveStage().open() as stage:
        keyboard = Keyboard(page)
        await page.goto(stage.origin)
        await keyboard.tab("textbox Pega aquí tu enlace")
        await keyboard.type(stage.link)
        await keyboard.press("Control+A", "Control+X", "Control+V")
        await keyboard.tab("button Entrar")
        await keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Historial de facturas")).to_be_visible()


async def test_single_letters_trigger_nothing(page: Page) -> None:
    async with LiveStage(few(scenes.owing())).open() as stage:
        _, keyboard = await enter(page, stage)
        before = await page.locator("body").aria_snapshot()
        await keyboard.type("abcdefghijklmnñopqrstuvwxyzABCXYZ0123456789?/.,;")
        assert await page.locator("body").aria_snapshot() == before
        assert await keyboard.focus() == ""
        assert page.url == f"{stage.origin}/"
