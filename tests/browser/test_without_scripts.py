"""Every flow except card entry by links and forms, in a browser without scripts."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from browser.gallery_portal import keep_many, many
from browser.gallery_states import Prepare
from browser.live_stage import LiveStage
from playwright.async_api import Browser, Page, expect

from chassis.http.problems import Problem
from portal_gateway.domain.access import ABSOLUTE
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage

SECOND = scenes.subscription("past_due", id=scenes.invoice_id(99), plan=scenes.plan(name="Respaldo Anual"), debt=scenes.debt())


@asynccontextmanager
async def scriptless(
    browser: Browser, view: Any = None, prepare: Prepare = lambda stage: None
) -> AsyncIterator[tuple[LiveStage, Page, PortalPage]]:
    """Enter by pasting the link."""
    context = await browser.new_context(java_script_enabled=False, locale="es-MX")
    page = await context.new_page()
    stage = LiveStage(view)
    prepare(stage)
    async with stage.open():
        await page.goto(f"{stage.origin}/enter")
        await page.get_by_label("Pega aquí tu enlace").fill(stage.link)
        await page.get_by_role("button", name="Entrar").click()
        yield stage, page, PortalPage(page)
    await context.close()


async def test_an_invalid_link_gets_an_error_at_its_field_and_is_not_kept(browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="es-MX")
    page = await context.new_page()
    async with LiveStage().open() as stage:
        await page.goto(f"{stage.origin}/enter")
        field = page.get_by_label("Pega aquí tu enlace")
        for wrong in ("", f"{stage.link}x", "no es un enlace"):
            await field.fill(wrong)
            await page.get_by_role("button", name="Entrar").click()
            await expect(page.get_by_role("heading", name="No pudimos abrir el portal")).to_be_visible()
            await expect(field).to_have_accessible_description(re.compile("Ese enlace no abrió el portal"))
            await expect(field).to_have_value("")
        await page.get_by_role("link", name="English").click()
        await expect(page.get_by_label("Paste your link here")).to_be_visible()
        await page.get_by_label("Paste your link here").fill(stage.link)
        await page.get_by_role("button", name="Come in").click()
        await expect(page.get_by_role("heading", name="Invoice history")).to_be_visible()
    await context.close()


async def test_language_subscription_filter_and_page_are_kept_together(browser: Browser) -> None:
    async with scriptless(browser, scenes.view(scenes.subscription(), SECOND)) as (_, page, portal):
        await page.get_by_role("link", name="Respaldo Anual").click()
        await portal.invoices.get_by_label("Estado").select_option("Pagado")
        await portal.invoices.get_by_role("button", name="Filtrar").click()
        await expect(portal.invoices.get_by_label("Estado")).to_have_value("paid")
        await page.get_by_role("link", name="English").click()
        invoices = portal.pane("Invoice history")
        await expect(invoices.get_by_label("Status")).to_have_value("paid")
        await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")
        await page.get_by_role("link", name="Premium Mensual").click()
        await expect(invoices.get_by_label("Status")).to_have_value("paid")
        await page.get_by_role("link", name="Español").click()
        await portal.invoices.get_by_role("link", name="Quitar filtro").click()
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)


async def test_the_history_is_paged_by_links(browser: Browser) -> None:
    async with scriptless(browser, many(), keep_many) as (_, _, portal):
        newest = portal.invoices.get_by_role("listitem").first
        await portal.invoices.get_by_role("link", name="Ver facturas anteriores").click()
        await expect(newest.get_by_role("link", name="Ver factura TS-000022")).to_be_visible()
        await portal.invoices.get_by_role("link", name="Ver las más recientes").click()
        await expect(newest.get_by_role("link", name="Ver factura TS-000034")).to_be_visible()


async def test_invoices_and_files_are_links_and_the_way_back_keeps_the_filter(browser: Browser) -> None:
    async with scriptless(browser, scenes.view(scenes.subscription(), SECOND)) as (stage, page, portal):
        await page.goto(f"{stage.origin}/?subscription={SECOND['id']}&status=paid")
        for file in ("Hoja de cálculo (CSV)", "Todas las facturas en PDF (ZIP)", "Para programas (NDJSON)"):
            assert (await portal.download_history(file)).endswith(b"fecha")
            await page.reload()
        await page.goto(f"{stage.origin}/?subscription={SECOND['id']}")
        await portal.open_invoice("TS-000014")
        await expect(page.get_by_role("button", name="Imprimir")).to_be_hidden()
        assert (await portal.download(page.get_by_role("link", name="Descargar PDF"))).startswith(b"%PDF")
        await page.get_by_role("link", name="Volver al portal").click()
        await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")


async def test_a_cancellation_is_refused_corrected_confirmed_and_withdrawn(browser: Browser) -> None:
    async with scriptless(browser) as (stage, page, portal):
        await portal.subscription.get_by_role("button", name="Cancelar suscripción").click()
        await page.get_by_label("¿Por qué cancelas?").select_option("Otro motivo")
        comment = page.get_by_label("Cuéntanos más")
        await comment.fill("x" * 501)
        await page.get_by_role("button", name="Confirmar cancelación").click()
        await expect(comment).to_have_accessible_description(re.compile("Usa como máximo 500 caracteres; escribiste 501."))
        await expect(comment).to_have_value("x" * 501)
        await comment.fill("Hasta pronto")
        stage.subscriptions.refuses = Problem(503, "service_unavailable", "Away")
        await page.get_by_role("button", name="Confirmar cancelación").click()
        await expect(page.get_by_role("alert")).to_contain_text("nada cambió")
        await expect(page.get_by_role("alert")).to_contain_text("Referencia:")
        await expect(page.get_by_label("¿Por qué cancelas?")).to_have_value("other")
        stage.subscriptions.refuses = None
        await page.get_by_role("button", name="Confirmar cancelación").click()
        await expect(page.get_by_role("heading", name="Tu cancelación quedó registrada")).to_be_visible()
        await page.get_by_role("button", name="Mantener mi suscripción").click()
        await expect(page.get_by_text("Mantienes tu suscripción")).to_be_visible()
        assert [asked.get("comment") for asked in stage.subscriptions.asked] == ["Hasta pronto", "Hasta pronto", None]
        assert len({asked["key"] for asked in stage.subscriptions.asked[:2]}) == 1


async def test_a_refused_command_leads_back_to_the_portal(browser: Browser) -> None:
    async with scriptless(browser, scenes.view(scenes.ending())) as (stage, page, portal):
        stage.subscriptions.refuses = Problem(409, "cancellation_took_effect", "Too late")
        await portal.keep()
        await expect(page.get_by_text("tu suscripción cambió mientras tanto")).to_be_visible()
        await expect(page.get_by_text("Ana García")).to_be_visible()
        await page.get_by_role("link", name="Volver al portal").first.click()
        await expect(portal.subscription).to_contain_text("Termina el 14 de junio")


async def test_a_session_is_extended_or_says_that_it_cannot_be(browser: Browser) -> None:
    async with scriptless(browser, scenes.view(scenes.subscription(), SECOND)) as (stage, page, _):
        await page.get_by_role("link", name="Respaldo Anual").click()
        await expect(page.get_by_text("Tu sesión termina tras 30 minutos sin actividad.")).to_be_visible()
        await page.get_by_role("button", name="Continuar").click()
        await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")
        began = datetime.now(UTC) - ABSOLUTE + timedelta(minutes=4)
        stage.access.session_of_ana = scenes.session(started_at=began, seen_at=datetime.now(UTC))
        await page.reload()
        await expect(page.get_by_text("Para seguir después, abre de nuevo tu enlace.")).to_be_visible()


async def test_card_entry_says_that_it_needs_scripts(browser: Browser) -> None:
    async with scriptless(browser, scenes.owing()) as (_, page, portal):
        await page.get_by_role("button", name="Actualizar tarjeta y pagar").click()
        await expect(page.get_by_text("hace falta JavaScript")).to_be_visible()
        await page.get_by_role("link", name="Volver al portal").click()
        await expect(portal.subscription).to_contain_text("Pendiente de pago")


async def test_both_ways_of_logging_out(browser: Browser) -> None:
    async with scriptless(browser) as (stage, page, _):
        await page.get_by_text("Salir", exact=True).click()
        await page.get_by_role("button", name="Salir y anular este enlace").click()
        await expect(page.get_by_role("heading", name="Saliste y anulaste el enlace")).to_be_visible()
        assert stage.access.ended == [True]
    async with scriptless(browser) as (stage, page, _):
        await page.get_by_text("Salir", exact=True).click()
        await page.get_by_role("button", name="Salir de este navegador").click()
        await expect(page.get_by_role("heading", name="Tu sesión terminó")).to_be_visible()
        await expect(page.get_by_label("Pega aquí tu enlace")).to_be_visible()
        assert stage.access.ended == [False]
