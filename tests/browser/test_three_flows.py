"""The specification's three flows in a real browser, with fakes behind the page."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from browser.keyboard import Keyboard
from browser.live_stage import DECLINED, MASTERCARD, LiveStage
from playwright.async_api import Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import Visitor, press

Open = Callable[..., Any]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_stage(view: Any = None) -> LiveStage:
            return await stack.enter_async_context(LiveStage(view).open())

        yield open_stage


async def test_a_link_opens_the_four_panes_and_leaves_no_trace(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    await expect(page).to_have_title("Portal del Cliente · TechSolutions Inc.")
    await expect(portal.summary).to_contain_text("29.99 USD")
    await expect(portal.subscription).to_contain_text("Tu suscripción se renueva el 14 de junio de 2023")
    await expect(portal.method).to_contain_text("Vence 12/2025")
    await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)
    assert "#" not in page.url


async def test_the_card_is_changed_without_a_reload(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    await page.evaluate("window.stillHere = true")
    dialog = await portal.edit_card()
    await dialog.fill(MASTERCARD)
    await dialog.confirm()
    await expect(portal.dialog).to_contain_text("Desde ahora usaremos Mastercard •••• 4444.")
    await dialog.close()
    await expect(portal.method).to_contain_text("Mastercard •••• 4444")
    await expect(portal.method).to_contain_text("Vence 12/2030")
    await expect(portal.method.get_by_role("button", name="Editar método de pago")).to_be_focused()
    assert await page.evaluate("window.stillHere") is True


async def test_a_declined_card_leaves_the_old_one_and_the_dialog_open(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    dialog = await portal.edit_card()
    await dialog.fill(DECLINED)
    await dialog.confirm()
    await expect(dialog.frame.get_by_role("alert")).to_contain_text("rechazó la tarjeta")
    await dialog.fill("4242424242424242")
    await dialog.confirm()
    await expect(portal.dialog).to_contain_text("Desde ahora usaremos Visa •••• 4242.")
    assert len({asked["key"] for asked in stage.live_payments.asked}) == 2


async def test_a_debt_is_listed_paid_and_announced(page: Page, opened: Open) -> None:
    stage = await opened(scenes.owing())
    portal = await Visitor(page, stage.link).enter()
    await expect(page.get_by_text("No pudimos cobrar 29.99 USD.")).to_be_visible()
    dialog = await portal.pay_debt()
    await expect(portal.dialog).to_contain_text("TS-000014 · 14 may 2023")
    await expect(dialog.frame.get_by_role("button", name="Confirmar y pagar 29.99 USD")).to_be_visible()
    await dialog.fill("4242424242424242")
    await dialog.confirm()
    await expect(portal.dialog).to_contain_text(re.compile(r"TS-000014 · 29.99 USD\s*Pagado"))
    assert stage.live_payments.asked[0]["charges"] == [scenes.invoice_id(14)]
    await dialog.close()
    await expect(page.get_by_text("No pudimos cobrar")).to_be_hidden()


async def test_the_outcome_of_a_payment_is_announced_when_its_invoice_is_not_shown(page: Page, opened: Open) -> None:
    stage = await opened(scenes.owing())
    portal = await Visitor(page, stage.link).enter()
    await page.goto(f"{stage.origin}/?status=void")
    await expect(portal.invoices).to_contain_text("Ninguna factura coincide con el filtro.")
    dialog = await portal.pay_debt()
    await dialog.fill("4242424242424242")
    await dialog.confirm()
    await expect(portal.dialog.locator("[data-charge]").get_by_role("definition")).to_have_text("Pagado")


async def test_a_silent_frame_can_be_retried(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    stage.live_payments.answers = False
    await portal.method.get_by_role("button", name="Editar método de pago").click()
    await expect(portal.dialog.get_by_role("alert")).to_contain_text("no respondió", timeout=20_000)
    stage.live_payments.answers = True
    await portal.dialog.get_by_role("button", name="Intentar de nuevo").click()
    await portal.card_dialog()


async def test_volver_and_escape_close_the_card_dialog(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    dialog = await portal.edit_card()
    await press(dialog.frame.get_by_role("button", name="Volver"))
    await expect(portal.dialog).to_be_hidden()
    dialog = await portal.edit_card()
    await dialog.number.focus()
    await Keyboard(page).press("Escape")
    await expect(portal.dialog).to_be_hidden()
    await expect(portal.method.get_by_role("button", name="Editar método de pago")).to_be_focused()


async def test_a_message_from_another_origin_is_ignored(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    await portal.edit_card()
    await page.evaluate("""() => {
        const frame = document.querySelector("iframe").src;
        window.postMessage({ v: 1, setup_id: frame.split("/").pop(), type: "token", token: "forged" }, location.origin);
    }""")
    await page.wait_for_timeout(300)
    assert stage.live_payments.asked == []


async def test_a_subscription_is_cancelled_and_then_kept(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    dialog = await portal.cancel()
    await expect(dialog.root).to_contain_text("Acceso hasta")
    await dialog.fill("Es demasiado caro", "Quizá vuelva")
    await expect(dialog.root).to_contain_text("Te quedan 488 caracteres")
    await dialog.confirm()
    await expect(dialog.root).to_contain_text("Tu cancelación quedó registrada")
    await expect(dialog.root).to_contain_text(f"{scenes.PREMIUM[:8].upper()}-13")
    await dialog.close()
    await expect(portal.subscription).to_contain_text("Termina el 14 de junio")
    await portal.keep()
    await expect(portal.subscription).to_contain_text("Tu suscripción se renueva el 14 de junio de 2023")
    await expect(portal.live_region).to_contain_text("Mantienes tu suscripción")
    assert [asked.get("feedback") for asked in stage.subscriptions.asked] == ["too_expensive", None]


async def test_a_card_number_is_removed_from_a_comment(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    dialog = await portal.cancel()
    await dialog.fill("Ya no la uso", "Cobren de la 4242.4242.4242.4242 12/30 737")
    await dialog.confirm()
    await expect(dialog.root).to_contain_text("Tu cancelación quedó registrada")
    await expect(dialog.root).to_contain_text("Quitamos de tu comentario lo que parece un número de tarjeta")
    assert [asked["comment"] for asked in stage.subscriptions.asked] == ["Cobren de la ••••"]


async def test_escape_closes_the_cancel_dialog_and_changes_nothing(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    await portal.cancel()
    await Keyboard(page).press("Escape")
    await expect(portal.dialog).to_be_hidden()
    await expect(portal.subscription.get_by_role("button", name="Cancelar suscripción")).to_be_focused()
    assert stage.subscriptions.asked == []


async def test_invoices_are_read_and_downloaded(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    pdf = portal.invoices.get_by_role("link", name="Descargar PDF de TS-000014")
    assert (await portal.download(pdf)).startswith(b"%PDF")
    assert await portal.download_history("Hoja de cálculo (CSV)") == b"fecha"
    await portal.open_invoice("TS-000014")
    await expect(page.get_by_role("link", name="Descargar PDF")).to_be_visible()


async def test_a_change_from_elsewhere_appears_and_is_announced(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    await expect(portal.subscription).to_contain_text("Activa")
    stage.change(subscriptions=[scenes.ending()])
    await expect(portal.subscription).to_contain_text("Termina el 14 de junio")
    await expect(portal.live_region).to_contain_text("Los detalles de tu suscripción se actualizaron.")


async def test_panes_are_not_replaced_under_an_open_dialog(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    await portal.cancel()
    stage.change(payment_method=None)
    await page.wait_for_timeout(1200)
    await expect(page.locator("#pane-payment_method")).to_contain_text("Visa")
    await Keyboard(page).press("Escape")
    await expect(portal.method).to_contain_text("No tienes una tarjeta guardada")


async def test_after_the_session_ends_nothing_personal_is_shown(page: Page, opened: Open) -> None:
    stage = await opened()
    await Visitor(page, stage.link).enter()
    stage.access.ended.append(False)
    await page.wait_for_url("**/ended")
    await expect(page.get_by_role("heading", name="Tu sesión terminó")).to_be_visible()
    await expect(page.get_by_text("Ana García")).to_have_count(0)


async def test_logging_out_can_revoke_the_link(page: Page, opened: Open) -> None:
    stage = await opened()
    await Visitor(page, stage.link).enter()
    await page.get_by_text("Salir", exact=True).click()
    await page.get_by_role("button", name="Salir y anular este enlace").click()
    await expect(page.get_by_role("heading", name="Saliste y anulaste el enlace")).to_be_visible()
    assert stage.access.ended == [True]


async def test_a_link_for_one_use_waits_for_a_click_and_opens_its_flow(page: Page, opened: Open) -> None:
    stage = await opened()
    stage.access.session_of_ana = scenes.session(flow="payment_method")
    await page.goto(stage.link.replace("/enter#", "/enter?continue#"))
    await expect(page.get_by_role("button", name="Continuar")).to_be_visible()
    assert await page.context.cookies() == []
    await page.get_by_role("button", name="Continuar").click()
    await page.wait_for_url("**/payment-method")


async def test_a_link_that_could_not_be_checked_can_be_retried(page: Page, opened: Open) -> None:
    stage = await opened()
    await page.route("**/api/session", lambda route: route.abort())
    await page.goto(stage.link)
    await expect(page.get_by_role("alert")).to_contain_text("Revisa tu conexión")
    await page.unroute("**/api/session")
    await page.get_by_role("button", name="Intentar de nuevo").click()
    await expect(page.get_by_role("heading", name="Historial de facturas")).to_be_visible()


async def test_a_broken_link_says_what_to_do(page: Page, opened: Open) -> None:
    stage = await opened()
    await page.goto(f"{stage.link}x")
    await expect(page.get_by_role("heading", name="No pudimos abrir el portal")).to_be_visible()
    await page.get_by_label("Pega aquí tu enlace").fill(stage.link)
    await page.get_by_role("button", name="Entrar").click()
    await expect(page.get_by_role("heading", name="Historial de facturas")).to_be_visible()
