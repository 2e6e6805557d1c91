"""Every state of the gallery: axe, the widths of the design, the console, other origins, the weight.

Each state is opened in one language, which the seed of the run chooses, and its layout is measured in both colour schemes at
each width. axe takes most of the time: it runs once per state, on a scheme and width that the seed chooses too. FULL=1 opens
each state in both languages and runs axe on every combination.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import product
from random import Random
from typing import NamedTuple

import pytest
from browser.axe import violations
from browser.gallery import STATES
from browser.gallery_states import LANGUAGES, SCHEMES, Language, Opened, Scheme, State, fresh, opened
from browser.seed import FULL, SEED
from playwright.async_api import Browser, Page

from support.browsing import without_blur

WIDTHS = (320, 768, 900, 1280)
HEIGHT = 860
WEIGHT_BYTES_MAX = 90_000
"""Of markup, styles, scripts and fonts that a page loads, as they are sent."""
LOADED = ("document", "stylesheet", "script", "font")

TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll("dialog[open]")]
    .filter((outer) => outer.scrollWidth > outer.clientWidth)
    .map((outer) => [...outer.querySelectorAll("*")]
        .findLast((inner) => inner.getBoundingClientRect().right > outer.getBoundingClientRect().left + outer.clientWidth))
    .map((inner) => `too wide: ${inner?.outerHTML.slice(0, 150)}`)"""


class Combination(NamedTuple):
    language: Language
    scheme: Scheme
    width: int


MATRIX = tuple(Combination(*each) for each in product(LANGUAGES, SCHEMES, WIDTHS))


def combinations_for_axe(name: str, seed: str, *, full: bool) -> set[Combination]:
    """The whole matrix, or one combination, which depends only on the state's name and the seed."""
    return set(MATRIX) if full else {Random(f"{seed} {name}").choice(MATRIX)}


def languages_of(combinations: set[Combination]) -> set[Language]:
    return {combination.language for combination in combinations}


@pytest.fixture(scope="module")
async def pages(browser: Browser) -> AsyncIterator[dict[Language, Page]]:
    """One page for each language; it shows one state after the other."""
    async with fresh(browser, "es") as spanish, fresh(browser, "en") as english:
        for page in (spanish, english):
            await without_blur(page.context)
        yield {"es": spanish, "en": english}


@pytest.mark.parametrize("name", STATES)
async def test_every_state_is_accessible_and_light_fits_its_window_and_logs_nothing(
    browser: Browser, pages: dict[Language, Page], name: str
) -> None:
    with_axe = combinations_for_axe(name, SEED, full=FULL)
    chosen = {language: page for language, page in pages.items() if language in languages_of(with_axe)}
    problems_by_language = await asyncio.gather(
        *(problems_of(browser, STATES[name], language, page, with_axe) for language, page in chosen.items())
    )
    assert [
        f"{language} {problem}" for language, problems in zip(chosen, problems_by_language, strict=True) for problem in problems
    ] == []


def test_a_seed_chooses_one_combination_for_each_state() -> None:
    chosen = [combinations_for_axe(name, "1", full=False) for name in STATES]
    assert chosen == [combinations_for_axe(name, "1", full=False) for name in STATES]
    assert chosen != [combinations_for_axe(name, "2", full=False) for name in STATES]
    assert {len(each) for each in chosen} == {1}


def test_a_sample_contains_every_language_scheme_and_width() -> None:
    """With over 90 states and 16 combinations. The seed is fixed, so that this never depends on chance."""
    sample = set[Combination]().union(*(combinations_for_axe(name, "1", full=False) for name in STATES))
    assert [set(values) for values in zip(*sample, strict=True)] == [set(LANGUAGES), set(SCHEMES), set(WIDTHS)]


def test_the_full_matrix_has_every_combination() -> None:
    assert len(combinations_for_axe("active", "1", full=True)) == len(LANGUAGES) * len(SCHEMES) * len(WIDTHS)


async def problems_of(browser: Browser, state: State, language: Language, page: Page, with_axe: set[Combination]) -> list[str]:
    findings: list[str] = []
    async with opened(browser, state, language, page) as shown:
        for width in WIDTHS:  # a new width takes longer than a new scheme
            await shown.page.set_viewport_size({"width": width, "height": HEIGHT})
            for scheme in SCHEMES:
                await shown.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                problems = await overflows(shown)
                if (language, scheme, width) in with_axe:
                    problems += await violations(shown.page)
                findings += [f"{scheme} {width}: {problem}" for problem in problems]
        findings += console_messages(shown, state) + foreign_requests(shown)
        weight = await weight_of(shown)
    return findings if weight <= WEIGHT_BYTES_MAX else [*findings, f"{weight} bytes are loaded"]


async def overflows(shown: Opened) -> list[str]:
    """Elements that are wider than their window or dialog, also in the card frame."""
    return [line for frame in shown.page.frames for line in await frame.evaluate(TOO_WIDE)]


def console_messages(shown: Opened, state: State) -> list[str]:
    """Console messages of any kind, except Chromium's own line for the answers that the state is about."""
    expected = [f"Failed to load resource: the server responded with a status of {status} (" for status in state.refusals]
    unexpected = [message for message in shown.console if not message.text.startswith(tuple(expected))]
    return [f"{message.type}: {message.text}" for message in unexpected] + shown.broken


def foreign_requests(shown: Opened) -> list[str]:
    """Requests to another origin than the portal and the card page."""
    ours = tuple(f"{origin}/" for origin in (shown.stage.origin, shown.stage.cards_origin))
    return [request.url for request in shown.requests if not request.url.startswith(ours)]


async def weight_of(shown: Opened) -> int:
    """Bytes that the browser received from both origins. A resource that was requested twice counts once."""
    answered = [request for request in shown.requests if request.resource_type in LOADED and request.failure is None]
    loaded = {request.url: request for request in reversed(answered)}
    return sum([(await request.sizes())["responseBodySize"] for request in loaded.values()])
