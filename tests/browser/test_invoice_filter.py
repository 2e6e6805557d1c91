"""The invoice filter is in the address, so it survives every way back to the page."""

import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from browser.gallery_portal import keep_many, many
from browser.live_stage import LiveStage
from playwright.async_api import Page, expect

from support.portal_page.page_objects import Visitor

OF_2023 = [f"TS-{number:06}" for number in range(34, 29, -1)]
"""The newest invoices, from May back to January."""


@pytest.fixture
async def stage() -> AsyncIterator[LiveStage]:
    stage = LiveStage(many())
    keep_many(stage)
    async with stage.open():
        yield stage


@pytest.fixture
async def filtered(page: Page, stage: LiveStage) -> Page:
    """Filter for the paid invoices of 2023."""
    await Visitor(page, stage.link).enter()
    await page.get_by_label("Año").select_option("2023")
    await expect(page.locator(".invoices li")).to_have_count(5)
    await page.get_by_label("Estado").select_option("paid")
    await expect(page).to_have_url(re.compile("status=paid"))
    await is_filtered(page)
    return page


async def is_filtered(page: Page, language: str = "es") -> None:
    year, status, see = ("Año", "Estado", "Ver factura") if language == "es" else ("Year", "Status", "See invoice")
    await expect(page.get_by_label(year)).to_have_value("2023")
    await expect(page.get_by_label(status)).to_have_value("paid")
    await expect(page.locator(".invoices .number")).to_have_text([f"{see} {number}" for number in OF_2023])
    asked = dict(parse_qsl(urlsplit(page.url).query))
    assert (asked["year"], asked["status"]) == ("2023", "paid")


async def open_first(page: Page) -> None:
    await page.locator(".invoices .view").first.click()
    await expect(page.get_by_role("heading", name="TS-000014", level=1)).to_be_visible()


async def test_the_filter_survives_a_reload(filtered: Page) -> None:
    await filtered.reload()
    await is_filtered(filtered)


async def test_the_filter_survives_opening_an_invoice(filtered: Page) -> None:
    await open_first(filtered)
    await filtered.get_by_role("link", name="Volver al portal").click()
    await is_filtered(filtered)
    await open_first(filtered)
    await filtered.go_back()
    await is_filtered(filtered)


async def test_the_filter_survives_a_change_of_language(filtered: Page) -> None:
    await filtered.get_by_role("link", name="English").filter(visible=True).click()
    await is_filtered(filtered, "en")
    await open_first(filtered)
    await filtered.get_by_role("link", name="Español").filter(visible=True).click()
    await filtered.get_by_role("link", name="Volver al portal").click()
    await is_filtered(filtered)


async def test_the_filter_survives_paging(page: Page, stage: LiveStage) -> None:
    await Visitor(page, stage.link).enter()
    await page.get_by_label("Estado").select_option("paid")
    await expect(page).to_have_url(re.compile("status=paid"))
    await page.get_by_role("link", name="Ver facturas anteriores").click()
    older = page.locator(".invoices .number").first
    for _ in range(2):
        await expect(older).to_have_text("Ver factura TS-000022")
        await expect(page.get_by_label("Estado")).to_have_value("paid")
        assert "status=paid" in page.url
        await page.reload()
    await page.get_by_role("link", name="Ver las más recientes").click()
    await expect(older).to_have_text("Ver factura TS-000034")
    await expect(page.get_by_label("Estado")).to_have_value("paid")
    assert "status=paid" in page.url


async def test_back_undoes_each_filter_step(filtered: Page) -> None:
    await filtered.go_back()
    await expect(filtered.get_by_label("Estado")).to_have_value("")
    await expect(filtered.get_by_label("Año")).to_have_value("2023")
    await filtered.go_forward()
    await is_filtered(filtered)
