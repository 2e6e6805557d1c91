"""A ZIP of many invoices: the page says how far it is, and a refusal is a page and no broken file."""

from collections.abc import AsyncIterator

import pytest
from browser.exporting import Exporting, long_history, slowly
from browser.staged import LivingStage
from playwright.async_api import Download, Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, Visitor

ZIP = "Todas las facturas en PDF (ZIP)"


@pytest.fixture
async def exporting() -> AsyncIterator[Exporting]:
    stage = LivingStage(long_history())
    made = slowly(stage)
    async with stage.open():
        yield made


@pytest.fixture
async def portal(page: Page, exporting: Exporting) -> PortalPage:
    return await Visitor(page, exporting.stage.link).arrive()


async def begin(portal: PortalPage) -> Download:
    await portal.invoices.get_by_text("Descargar todo").click()
    async with portal.page.expect_download() as downloading:
        await portal.invoices.get_by_role("link", name=ZIP).click()
    return await downloading.value


async def test_a_long_download_says_how_far_it_is_and_when_it_is_over(portal: PortalPage, exporting: Exporting) -> None:
    line = portal.page.locator("#downloading")
    await expect(line).to_be_hidden()
    file = await begin(portal)
    await expect(line).to_have_text("Preparando tu descarga: 0 de 1,000 facturas.")
    exporting.done = 260
    await expect(line).to_have_text("Preparando tu descarga: 260 de 1,000 facturas.")
    await expect(portal.said).to_contain_text("260 de 1,000")
    exporting.done = 300
    await expect(line).to_have_text("Preparando tu descarga: 300 de 1,000 facturas.")
    await expect(portal.said).not_to_contain_text("300 de 1,000")
    exporting.whole.set()
    await expect(line).to_have_text("La descarga terminó. Tu navegador muestra si el archivo está completo.")
    assert file.suggested_filename == "historial-de-pagos.zip"
    assert (await file.path()).read_bytes() == b"PKthe end"
    await expect(portal.invoices).to_be_visible()


async def test_a_download_that_breaks_off_is_no_file(portal: PortalPage, exporting: Exporting) -> None:
    file = await begin(portal)
    exporting.fails = True
    exporting.whole.set()
    assert await file.failure()


async def test_another_one_meanwhile_is_refused_on_a_page_that_leads_back(portal: PortalPage, exporting: Exporting) -> None:
    await begin(portal)
    files: list[Download] = []
    portal.page.on("download", lambda file: files.append(file))
    await portal.invoices.get_by_text("Descargar todo").click()
    await portal.invoices.get_by_role("link", name=ZIP).click()
    await expect(portal.page.get_by_text("Ya se está preparando otra descarga de tu historial.")).to_be_visible()
    await portal.page.get_by_role("main").get_by_role("link", name="Volver al portal").click()
    await expect(portal.invoices).to_be_visible()
    assert files == []


async def test_a_short_history_is_downloaded_without_a_word(page: Page, exporting: Exporting) -> None:
    exporting.stage.views.shown = scenes.view()
    exporting.whole.set()
    portal = await Visitor(page, exporting.stage.link).arrive()
    await begin(portal)
    assert await page.locator("#downloading").count() == 0
