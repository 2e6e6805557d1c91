"""Every state of the gallery in both languages: opened once, then looked at in both schemes and at each width of the design."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from browser.axe import violations
from browser.gallery import STATES
from browser.gallery_opening import SCHEMES, Language, Opened, State, fresh, opened
from playwright.async_api import Browser, Page

WIDTHS = (320, 768, 900, 1280)
HEIGHT = 860
HEAVIEST = 64_000
"""Bytes of markup, styles and scripts that a page loads, as they are sent."""
LOADED = ("document", "stylesheet", "script")

TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll("dialog[open]")]
    .filter((outer) => outer.scrollWidth > outer.clientWidth)
    .map((outer) => [...outer.querySelectorAll("*")]
        .findLast((inner) => inner.getBoundingClientRect().right > outer.getBoundingClientRect().left + outer.clientWidth))
    .map((inner) => `too wide: ${inner?.outerHTML.slice(0, 150)}`)"""


@pytest.fixture(scope="module")
async def pages(browser: Browser) -> AsyncIterator[dict[Language, Page]]:
    """One for each language, which goes from state to state."""
    async with fresh(browser, "es") as spanish, fresh(browser, "en") as english:
        yield {"es": spanish, "en": english}


@pytest.mark.parametrize("name", STATES)
async def test_every_state_is_accessible_fits_its_window_keeps_quiet_and_weighs_little(
    browser: Browser, pages: dict[Language, Page], name: str
) -> None:
    found = await asyncio.gather(*(wrong_with(browser, STATES[name], language, page) for language, page in pages.items()))
    assert [f"{language} {problem}" for language, problems in zip(pages, found, strict=True) for problem in problems] == []


async def wrong_with(browser: Browser, state: State, language: Language, page: Page) -> list[str]:
    wrong: list[str] = []
    async with opened(browser, state, language, page) as found:
        for scheme in SCHEMES:
            await found.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for width in WIDTHS:
                await found.page.set_viewport_size({"width": width, "height": HEIGHT})
                wrong += [f"{scheme} {width}: {problem}" for problem in await look(found)]
        wrong += noises(found, state) + strangers(found)
        weight = await weight_of(found)
    return wrong if weight <= HEAVIEST else [*wrong, f"{weight} bytes are loaded"]


async def look(found: Opened) -> list[str]:
    """What axe finds, and whatever is wider than its window or dialog; in the card frame too."""
    too_wide = [line for frame in found.page.frames for line in await frame.evaluate(TOO_WIDE)]
    return too_wide + await violations(found.page)


def noises(found: Opened, state: State) -> list[str]:
    """All that the console said, of any kind, but Chromium's own line for the answers that the state is about."""
    expected = [f"Failed to load resource: the server responded with a status of {status} (" for status in state.refusals]
    said = [message for message in found.console if not message.text.startswith(tuple(expected))]
    return [f"{message.type}: {message.text}" for message in said] + found.broken


def strangers(found: Opened) -> list[str]:
    """Requests to another origin than the portal and the card page."""
    ours = tuple(f"{origin}/" for origin in (found.stage.origin, found.stage.cards_origin))
    return [request.url for request in found.requests if not request.url.startswith(ours)]


async def weight_of(found: Opened) -> int:
    """In bytes, of whatever the browser got of both origins; what it asked for twice counts once."""
    answered = [request for request in found.requests if request.resource_type in LOADED and request.failure is None]
    loaded = {request.url: request for request in reversed(answered)}
    return sum([(await request.sizes())["responseBodySize"] for request in loaded.values()])
