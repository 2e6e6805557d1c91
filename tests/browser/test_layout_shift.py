"""Layout shift is 0, also on a slow network: the page reserves room for what loads later."""

from typing import Any

import pytest
from browser.gallery_states import dress
from browser.live_stage import LiveStage
from browser.seed import sampled
from playwright.async_api import Page, Route, expect

from support.portal_page import scenes
from support.portal_page.page_objects import Visitor

SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => shifts.push(...list.getEntries().filter((entry) => !entry.hadRecentInput)
        .map(({ value, sources }) => [value, ...sources.map(({ node }) => node?.outerHTML?.slice(0, 100))])))
        .observe({ type: "layout-shift", buffered: true });
}"""
"""Shifts without user input. Shifts within half a second after a click do not count."""
MOST_REQUESTS = 22
"""The visit starts at the link with an empty cache."""


async def shifts(page: Page) -> list[Any]:
    await page.wait_for_timeout(300)
    entries: list[Any] = await page.evaluate("shifts")
    return entries


async def slowly(route: Route) -> None:
    answer = await route.fetch()
    await route.request.frame.page.wait_for_timeout(700)
    await route.fulfill(response=answer)


@pytest.mark.parametrize("width", sampled("width", [320, 390, 1280], 1))
async def test_page_dialogs_and_card_entry_load_without_layout_shift(page: Page, width: int) -> None:
    stage = LiveStage(scenes.owing())
    dress(stage)
    requests: list[str] = []

    def count(url: str) -> None:
        """A file that is cached forever counts once: routes turn Chromium's cache off."""
        if "/static/" not in url or url not in requests:
            requests.append(url)

    page.on("request", lambda request: count(request.url))
    await page.set_viewport_size({"width": width, "height": 860})
    await page.add_init_script(f"({SHIFTS})()")
    for slow in ("**/media/*", "**/cancel", "**/setup"):
        await page.route(slow, slowly)
    async with stage.open():
        portal = await Visitor(page, stage.link).enter()
        await page.wait_for_load_state()
        assert await shifts(page) == []
        assert len(requests) <= MOST_REQUESTS
        await portal.cancel()
        assert await shifts(page) == []
        await page.keyboard.press("Escape")
        await portal.pay_debt()
        assert await shifts(page) == []
        await page.goto(f"{stage.origin}/payment-method")
        await expect(page.frame_locator("iframe").locator("#number")).to_be_focused()
        assert await shifts(page) == []
        await expect(page.locator("[data-due]")).to_be_visible()
