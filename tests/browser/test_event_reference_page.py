"""contracts/events.html: complete without scripts and network, readable on a phone, usable with a screen reader."""

from itertools import product
from pathlib import Path

from browser.axe import violations
from browser.seed import sampled
from playwright.async_api import Browser, Request

from billing_contracts.registry import EVENTS

PAGE = Path(__file__).parents[2] / "contracts" / "events.html"
ADDRESS = "http://events.test/events.html"
WIDTHS = (390, 1280)
TITLES = """() => Object.fromEntries([...document.querySelectorAll("article[id]")]
    .map((article) => [article.id, article.querySelector("h3")?.innerText]))"""
DANGLING = """() => [...document.querySelectorAll('a[href^="#"]')]
    .map((link) => link.hash.slice(1)).filter((id) => id && !document.getElementById(id))"""


async def test_the_page_is_self_contained_and_fits_its_window(browser: Browser) -> None:
    """axe needs seconds for the page: it runs on one combination that the seed chooses, with FULL=1 on all of them."""
    combinations = list(product(WIDTHS, ("light", "dark")))
    with_axe = sampled("event reference", combinations, 1)
    context = await browser.new_context()
    addresses: list[str] = []

    def note(request: Request) -> None:
        addresses.append(request.url)

    try:
        page = await context.new_page()
        page.on("request", note)
        await page.route(ADDRESS, lambda route: route.fulfill(path=PAGE, content_type="text/html"))
        await page.goto(ADDRESS)
        assert await page.locator("script").count() == 0
        titles = await page.evaluate(TITLES)
        assert {event.__name__: titles.get(event.__name__) for event in EVENTS.values()} == {
            event.__name__: event.__name__ for event in EVENTS.values()
        }
        assert await page.evaluate(DANGLING) == []
        for width, scheme in combinations:
            await page.set_viewport_size({"width": width, "height": 900})
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            if (width, scheme) in with_axe:
                assert await violations(page) == []
        assert addresses == [ADDRESS]
    finally:
        await context.close()
