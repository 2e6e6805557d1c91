"""A ZIP of many invoices: the page shows the progress, and a refusal is a page, not a broken file."""

from collections.abc import AsyncIterator

import pytest
from browser.controlled_exports import ControlledExports, control_exports, long_history
from browser.live_stage import LiveStage
from playwright.async_api import Download, Page, expect

from portal_gateway.application.presentation.invoices import made_so_far
from portal_gateway.application.presentation.language import catalogues
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, problem


def spanish_progress(done: int) -> str:
    return made_so_far(catalogues().choose(["es-MX"], "es-419"), done, 1000)


@pytest.fixture
async def exports() -> AsyncIterator[ControlledExports]:
    stage = LiveStage(long_history())
    invoicing = control_exports(stage)
    async with stage.open():
        yield invoicing


@pytest.fixture
async def portal(page: Page, exports: ControlledExports) -> PortalPage:
    return await exports.stage.enter(page)


async def begin(portal: PortalPage) -> Download:
    await portal.page.locator("#download-all").click()
    async with portal.page.expect_download() as downloading:
        await portal.file("zip").click()
    return await downloading.value


async def test_a_long_download_shows_its_progress_and_end(portal: PortalPage, exports: ControlledExports) -> None:
    line = portal.page.locator("#downloading")
    await expect(line).to_be_hidden()
    file = await begin(portal)
    await expect(line).to_have_text(spanish_progress(0))
    exports.done = 260
    await expect(line).to_have_text(spanish_progress(260))
    await expect(portal.live_region).to_have_text(spanish_progress(260))
    exports.done = 300
    await expect(line).to_have_text(spanish_progress(300))
    await expect(portal.live_region).not_to_have_text(spanish_progress(300))
    exports.whole.set()
    await expect(line).to_have_text(await line.get_attribute("data-over") or "")
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
    await portal.page.locator("#download-all").click()
    await portal.file("zip").click()
    await expect(problem(portal.page, "export_running")).to_be_visible()
    await portal.page.locator("main a[data-close]").click()
    await expect(portal.invoices).to_be_visible()
    assert files == []


async def test_a_short_history_is_downloaded_without_progress(page: Page, exports: ControlledExports) -> None:
    exports.stage.views.shown = scenes.view()
    exports.whole.set()
    portal = await exports.stage.enter(page)
    await begin(portal)
    assert await page.locator("#downloading").count() == 0
