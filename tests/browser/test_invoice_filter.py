"""The invoice filter is in the address, so it survives every way back to the page."""

import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from browser.gallery_portal import keep_many, many
from browser.live_stage import LiveStage
from playwright.async_api import Page, expect

from support.portal_page.page_objects import back_to_portal, language_link, sheet

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
    await stage.enter(page)
    await page.locator("#filter-year").select_option("2023")
    await expect(page.locator(".invoices li")).to_have_count(5)
    await page.locator("#filter-status").select_option("paid")
    await expect(page).to_have_url(re.compile("status=paid"))
    await is_filtered(page)
    return page


async def is_filtered(page: Page, language: str = "es") -> None:
    await expect(page.locator("html")).to_have_attribute("lang", re.compile(f"^{language}"))
    await expect(page.locator("#filter-year")).to_have_value("2023")
    await expect(page.locator("#filter-status")).to_have_value("paid")
    await expect(page.locator(".invoices .number")).to_have_text([re.compile(number) for number in OF_2023])
    query = dict(parse_qsl(urlsplit(page.url).query))
    assert (query["year"], query["status"]) == ("2023", "paid")


async def open_first(page: Page) -> None:
    await page.locator(".invoices .view").first.click()
    await expect(sheet(page, "invoice")).to_contain_text("TS-000014")


async def test_the_filter_survives_a_reload(filtered: Page) -> None:
    await filtered.reload()
    await is_filtered(filtered)


async def test_the_filter_survives_opening_an_invoice(filtered: Page) -> None:
    await open_first(filtered)
    await back_to_portal(filtered).click()
    await is_filtered(filtered)
    await open_first(filtered)
    await filtered.go_back()
    await is_filtered(filtered)


async def test_the_filter_survives_a_change_of_language(filtered: Page) -> None:
    await language_link(filtered, "en").click()
    await is_filtered(filtered, "en")
    await open_first(filtered)
    await language_link(filtered, "es").click()
    await back_to_portal(filtered).click()
    await is_filtered(filtered)


async def test_the_filter_survives_paging(page: Page, stage: LiveStage) -> None:
    await stage.enter(page)
    await page.locator("#filter-status").select_option("paid")
    await expect(page).to_have_url(re.compile("status=paid"))
    await page.locator("#older").click()
    older = page.locator(".invoices .number").first
    for _ in range(2):
        await expect(older).to_contain_text("TS-000022")
        await expect(page.locator("#filter-status")).to_have_value("paid")
        assert "status=paid" in page.url
        await page.reload()
    await page.locator("#newest").click()
    await expect(older).to_contain_text("TS-000034")
    await expect(page.locator("#filter-status")).to_have_value("paid")
    assert "status=paid" in page.url


async def test_back_undoes_each_filter_step(filtered: Page) -> None:
    await filtered.go_back()
    await expect(filtered.locator("#filter-status")).to_have_value("")
    await expect(filtered.locator("#filter-year")).to_have_value("2023")
    await filtered.go_forward()
    await is_filtered(filtered)
