"""Every limit shows when the customer can try again, and keeps typed text.

Card entry has tests of its own (test_card_entry_errors.py).
"""

import re
from collections.abc import AsyncIterator

import pytest
from browser.live_stage import LiveStage
from browser.two_customers import TwoCustomers
from playwright.async_api import Page, expect

from chassis.http.problems import Problem
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, paste_link, problem

BACK_IN_THREE = re.compile(r"\b3\b")
"""Minutes."""


@pytest.fixture
async def stage() -> AsyncIterator[LiveStage]:
    async with LiveStage(scenes.view(scenes.subscription(), scenes.ending() | {"id": scenes.invoice_id(99)})).open() as opened:
        yield opened


async def enter_limited(page: Page, stage: LiveStage) -> PortalPage:
    """Enter; every later request exceeds its limit."""
    portal = await stage.enter(page)
    stage.limits.refuses = Problem(429, "too_many_requests", "Too often", headers={"retry-after": "125"})
    return portal


async def test_invalid_links_are_limited(page: Page, two_customers: TwoCustomers) -> None:
    async with two_customers.gateway.browser() as guessing:
        for _ in range(60):
            assert (await guessing.post("/api/session", json={"token": "x"})).status_code == 401
    soon = re.compile(r"\b(9|10)\b")
    wrong = f"{(await two_customers.ana())[:-43]}{'A' * 43}"
    await page.goto(wrong)
    await expect(page.get_by_role("alert")).to_contain_text(soon)
    await page.goto(f"{two_customers.gateway.url}/enter")
    await paste_link(page, wrong)
    await expect(page.get_by_role("alert")).to_contain_text(soon)
    await page.goto(await two_customers.ana())
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")


async def test_cancelling_is_limited_and_keeps_typed_text(page: Page, stage: LiveStage) -> None:
    portal = await enter_limited(page, stage)
    dialog = await portal.cancel()
    await dialog.fill("too_expensive", "Quizá vuelva")
    await dialog.confirm()
    await expect(problem(dialog.root, "too_many_requests")).to_contain_text(BACK_IN_THREE)
    await expect(dialog.comment).to_have_value("Quizá vuelva")
    stage.limits.refuses = None
    await dialog.confirm()
    await expect(dialog.outcome("scheduled")).to_be_visible()


async def test_keeping_a_subscription_is_limited(page: Page, stage: LiveStage) -> None:
    portal = await enter_limited(page, stage)
    await page.goto(f"{stage.origin}/?subscription={scenes.invoice_id(99)}")
    await portal.keep()
    await expect(problem(page, "too_many_requests")).to_contain_text(BACK_IN_THREE)
    await expect(portal.subscription.locator("form[action*='/keep'] button")).to_be_enabled()


@pytest.mark.parametrize("file", [f"/invoices/{scenes.invoice_id(14)}.pdf", "/export.csv", "/export.zip"])
async def test_downloads_are_limited(page: Page, stage: LiveStage, file: str) -> None:
    portal = await enter_limited(page, stage)
    link = portal.invoices.locator(f'a[href="{file}"]')
    if not await link.is_visible():
        await portal.page.locator("#download-all").click()
    await link.click()
    await expect(problem(page, "too_many_requests")).to_contain_text(BACK_IN_THREE)
    await page.locator("main a[data-close]").click()
    stage.limits.refuses = None
    if not await link.is_visible():
        await portal.page.locator("#download-all").click()
    assert await portal.download(link)


async def test_the_download_on_an_invoice_page_is_limited(page: Page, stage: LiveStage) -> None:
    portal = await enter_limited(page, stage)
    await portal.open_invoice("TS-000014")
    await page.locator('.actions a[href$=".pdf"]').click()
    await expect(problem(page, "too_many_requests")).to_contain_text(BACK_IN_THREE)
