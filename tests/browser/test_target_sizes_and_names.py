"""Sizes of targets, names of rows, and what works without scripts."""

import asyncio
import json
import re

from browser.gallery_pages import INVOICE
from browser.keyboard import Keyboard
from browser.live_stage import LiveStage
from playwright.async_api import Browser, Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, back_to_portal, badge, log_out, message, paste_link, problem


async def test_the_card_frame_is_as_high_as_its_content(page: Page) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        portal = await stage.enter(page)
        for width in (320, 1280):
            await page.set_viewport_size({"width": width, "height": 860})
            await portal.pay_debt()
            scrolls = "document.documentElement.scrollHeight > document.documentElement.clientHeight"
            async with asyncio.timeout(5):
                while await page.frames[1].evaluate(scrolls):
                    await asyncio.sleep(0.05)
            await Keyboard(page).press("Escape")


async def test_targets_are_large_enough_for_a_thumb(page: Page) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        await stage.enter(page)
        await page.set_viewport_size({"width": 390, "height": 844})
        small = await page.evaluate("""() => [...document.querySelectorAll("a, button, summary, select")]
            .filter((element) => element.checkVisibility() && !element.matches(".skip"))
            .map((element) => [element.textContent.trim(), element.getBoundingClientRect().height])
            .filter(([, height]) => height < 40)""")
    assert json.dumps(small) == "[]"


async def test_links_to_receipts_and_credit_notes_are_large_enough_for_a_thumb(page: Page) -> None:
    stage = LiveStage()
    stage.invoicing.invoice_is = scenes.credited_invoice()
    async with stage.open():
        await stage.enter(page)
        await page.set_viewport_size({"width": 768, "height": 844})
        await page.goto(stage.origin + INVOICE)
        links = page.locator(".moves a")
        await expect(links).to_have_count(2)
        heights = [box["height"] for link in await links.all() if (box := await link.bounding_box())]
    assert len(heights) == 2
    assert min(heights) >= 44


async def test_the_name_of_a_row_is_its_text(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal = await stage.enter(page)
        row = portal.invoices.get_by_role("listitem").first.get_by_role("link").first
        status = await badge(row, "paid").inner_text()
        await expect(row).to_have_accessible_name(re.compile(f"2023 .+ TS-000014 Premium Mensual 29.99 USD {status}$"))


async def test_without_scripts_everything_except_the_card_works(browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="es-MX")
    page = await context.new_page()
    async with LiveStage().open() as stage:
        await page.goto(f"{stage.origin}/enter")
        await paste_link(page, stage.link)
        portal = PortalPage(page)
        await portal.page.locator("#cancel").click()
        await page.locator("[name=feedback][value=other]").check()
        await page.locator("#sheet button[type=submit]").click()
        await expect(page.locator("[data-outcome=scheduled]")).to_be_visible()
        await page.locator("form[action*='/keep'] button").click()
        await expect(message(page, "kept")).to_be_visible()
        await portal.page.locator("#edit-method").click()
        await expect(page.locator("p.without-script")).to_be_visible()
        await back_to_portal(page).click()
        await log_out(page)
        await expect(problem(page, "session_ended")).to_be_visible()
    await context.close()
