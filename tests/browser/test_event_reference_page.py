"""contracts/events.html: complete without scripts and network, readable on a phone, usable with a screen reader."""

from pathlib import Path

import pytest
from browser.axe import violations
from playwright.async_api import Browser, Request

from billing_contracts.registry import EVENTS

PAGE = Path(__file__).parents[2] / "contracts" / "events.html"
ADDRESS = "http://events.test/events.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_the_page_is_self_contained_and_fits_its_window(browser: Browser, width: int, scheme: str) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    try:
        page = await context.new_page()
        page.on("request", note)
        await page.route(ADDRESS, lambda route: route.fulfill(path=PAGE, content_type="text/html"))
        await page.goto(ADDRESS)
        assert asked == [ADDRESS]
        assert await page.locator("script").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        for event in EVENTS.values():
            assert await page.locator(f"article#{event.__name__} h3").inner_text() == event.__name__
        dangling = "links => links.map(a => a.hash.slice(1)).filter(id => id && !document.getElementById(id))"
        assert await page.locator('a[href^="#"]').evaluate_all(dangling) == []
        assert await violations(page) == []
    finally:
        await context.close()
