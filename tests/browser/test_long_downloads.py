"""A ZIP of many invoices: the page shows the progress, and a refusal is a page, not a broken file."""

from collections.abc import AsyncIterator

import pytest
from browser.controlled_exports import ControlledExports, control_exports, long_history
from browser.live_stage import LiveStage
from playwright.async_api import Download, Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, Visitor

ZIP = "Todas las facturas en PDF (ZIP)"


@pytest.fixture
async def exports() -> AsyncIterator[ControlledExports]:
    stage = LiveStage(long_history())
    made = control_exports(stage)
    async with stage.open():
        yield made


@pytest.fixture
async def portal(page: Page, exports: ControlledExports) -> PortalPage:
    return await Visitor(page, exports.stage.link).enter()


async def begin(portal: PortalPage) -> Download:
    await portal.invoices.get_by_text("Descargar todo").click()
    async with portal.page.expect_download() as downloading:
        await portal.invoices.get_by_role("link", name=ZIP).click()
    return await downloading.value


async def test_a_long_download_shows_its_progress_and_end(portal: PortalPage, exports: ControlledExports) -> None:
    line = portal.page.locator("#downloading")
    await expect(line).to_be_hidden()
    file = await begin(portal)
    await expect(line).to_have_text("Preparando tu descarga: 0 de 1,000 facturas.")
    exports.done = 260
    await expect(line).to_have_text("Preparando tu descarga: 260 de 1,000 facturas.")
    await expect(portal.live_region).to_contain_text("260 de 1,000")
    exports.done = 300
    await expect(line).to_have_text("Preparando tu descarga: 300 de 1,000 facturas.")
    await expect(portal.live_region).not_to_contain_text("300 de 1,000")
    exports.whole.set()
    await expect(line).to_have_text("La descarga terminó. Tu navegador muestra si el archivo está completo.")
    assert file.suggested_filename == "historial-de-pagos.zip"
    assert (await file.path()).read_bytes() == b"PKthe end"
    await expect(portal.invoices).to_be_visible()


async def test_an_interrupted_download_leaves_no_file(portal: PortalPage, exports: ControlledExports) -> None:
    file = await begin(portal)
    exports.fails = True
    exports.whole.set()
    assert await file.failure()


async def test_a_second_download_is_refused_on_a_page_with_a_way_back(portal: PortalPage, exports: ControlledExports) -> None:
    await begin(portal)
    files: list[Download] = []
    portal.page.on("download", lambda file: files.append(file))
    await portal.invoices.get_by_text("Descargar todo").click()
    await portal.invoices.get_by_role("link", name=ZIP).click()
    await expect(portal.page.get_by_text("Ya se está preparando otra descarga de tu historial.")).to_be_visible()
    await portal.page.get_by_role("main").get_by_role("link", name="Volver al portal").click()
    await expect(portal.invoices).to_be_visible()
    assert files == []


async def test_a_short_history_is_downloaded_without_progress(page: Page, exports: ControlledExports) -> None:
    exports.stage.views.shown = scenes.view()
    exports.whole.set()
    portal = await Visitor(page, exports.stage.link).enter()
    await begin(portal)
    assert await page.locator("#downloading").count() == 0
