"""Invalid input gets an error at its field and changes nothing. Typed text is kept, secrets are not."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from browser.live_stage import LiveStage
from playwright.async_api import Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, Visitor, collect_alerts

HOSTILE = "<script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}\N{PILE OF POO}"


@asynccontextmanager
async def live_portal(page: Page, view: Any = None) -> AsyncIterator[tuple[LiveStage, PortalPage]]:
    async with LiveStage(view).open() as stage:
        yield stage, await Visitor(page, stage.link).enter()


async def test_an_invalid_link_gets_an_error_at_its_field_and_is_not_kept(page: Page) -> None:
    async with LiveStage().open() as stage:
        await page.goto(f"{stage.link}x")
        field = page.get_by_label("Pega aquí tu enlace")
        await field.fill(f"{stage.link}y")
        await page.keyboard.press("Enter")
        await expect(field).to_have_accessible_description(re.compile("Ese enlace no abrió el portal"))
        await expect(field).to_have_value("")
        secret = stage.link.partition(".")[2]
        assert secret not in await page.content()
        assert secret not in page.url


async def test_a_too_long_comment_shows_the_remaining_characters_and_is_kept(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        await dialog.fill("Otro motivo", "x" * 503)
        await expect(dialog.root).to_contain_text("Te quedan -3 caracteres")
        await dialog.confirm()
        comment = dialog.root.get_by_label("Cuéntanos más")
        await expect(comment).to_have_accessible_description(re.compile("Usa como máximo 500 caracteres; escribiste 503."))
        await expect(comment).to_have_value("x" * 503)
        await expect(comment).to_be_focused()
        await expect(dialog.root.get_by_label("¿Por qué cancelas?")).to_have_value("other")
        assert stage.subscriptions.asked == []


async def test_markup_and_unusual_characters_are_shown_as_text(page: Page) -> None:
    alerts = collect_alerts(page)
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        await page.evaluate("""() => document.querySelector("#feedback").add(new Option("x", "<b>boredom</b>", true, true))""")
        await dialog.fill(comment=HOSTILE)
        await dialog.confirm()
        reason = dialog.root.get_by_label("¿Por qué cancelas?")
        await expect(reason).to_have_accessible_description("Elige un motivo de la lista.")
        await expect(reason).to_be_focused()
        await expect(dialog.root.get_by_label("Cuéntanos más")).to_have_value(HOSTILE)
        await dialog.fill("Otro motivo")
        await dialog.confirm()
        await expect(dialog.root).to_contain_text("Tu cancelación quedó registrada")
        assert stage.subscriptions.asked[0]["comment"] == HOSTILE.replace("\N{RIGHT-TO-LEFT OVERRIDE}", "")
    assert alerts == []


async def test_an_invalid_filter_gets_an_error_at_its_field_and_the_page_works(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await page.goto(f"{stage.origin}/?year=abc&status=boredom")
        year, status = portal.invoices.get_by_label("Año"), portal.invoices.get_by_label("Estado")
        await expect(year).to_have_accessible_description("Elige un año de la lista.")
        await expect(status).to_have_accessible_description("Elige un estado de la lista.")
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)
        stage.change(subscriptions=[scenes.ending()])
        await expect(portal.subscription).to_contain_text("Termina el 14 de junio")
        await status.select_option("Anulado")
        await expect(portal.invoices).to_contain_text("Ninguna factura coincide con el filtro.")
        await expect(status).to_have_accessible_description("")


async def test_an_invalid_cursor_is_reported_once_and_the_newest_invoices_are_shown(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await page.goto(f"{stage.origin}/?cursor=nowhere")
        problem = portal.invoices.get_by_role("alert")
        await expect(problem).to_have_text("Esa parte del historial no existe. Estas son las facturas más recientes.")
        stage.change(invoices=[scenes.invoice(14, "refunded")])
        await expect(portal.invoices.get_by_role("list")).to_contain_text("Reembolsado")
        await expect(problem).to_have_count(1)


async def test_a_foreign_subscription_is_not_found_and_the_page_works(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await page.goto(f"{stage.origin}/?subscription={scenes.CUSTOMER}")
        await expect(page.get_by_text("No encontramos esa suscripción.")).to_be_visible()
        stage.change(subscriptions=[scenes.ending()])
        await expect(portal.subscription).to_contain_text("Termina el 14 de junio")


async def test_a_notice_named_in_the_address_is_shown_only_if_it_is_true(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.ending())) as (stage, portal):
        await page.goto(f"{stage.origin}/?said=kept&after=x&lang=xx")
        await expect(portal.subscription).to_contain_text("Termina el 14 de junio")
        await expect(page.get_by_text("Mantienes tu suscripción")).to_have_count(0)
        assert page.url == f"{stage.origin}/"
