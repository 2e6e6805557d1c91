"""Numbers of the page's design: distances, targets, borders and clicks. Each state is loaded once for all tests."""

import re
from itertools import product
from typing import Any, Final

import pytest
from browser.gallery import STATES
from browser.gallery_payments import facing, owing
from browser.gallery_states import LANGUAGES, SCHEMES, Language, fresh, opened
from browser.live_stage import MASTERCARD, LiveStage
from playwright.async_api import Browser, Page, expect

from presentation.colours import Rgb, contrast
from support.portal_page.page_objects import Visitor

SCREENS: Final = {320: 640, 390: 844, 768: 1024, 900: 860, 1280: 860, 1600: 900}
"""Width -> height"""
SHEETS: Final = ("cancel", "cancelled", "card", "card-declined", "pay", "invoice", "invoice-owed", "menu-leave", "menu-download")
"""Dialogs and other pages, measured at the phone's and the computer's width."""
MEASURED: Final = ("active", "ending", "past-due", "incomplete-without-card", "two-subscriptions", "card-expired")
TARGET_MIN: Final = 44
EDGE_MIN: Final = 3

MEASURE: Final = """(least) => {
    const seen = (selector) => [...document.querySelectorAll(selector)].filter((found) => found.checkVisibility());
    const box = (found) => found?.getBoundingClientRect();
    const ground = (found) => {
        for (let around = found; around; around = around.parentElement) {
            const colour = getComputedStyle(around).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const next = box(seen(".total .next")[0]);
    const edgesOf = (name) => [...new Set(seen(`.invoices .${name}`).map((found) => {
        const { left, right } = box(found);
        return Math.round(name === "amount" ? right : left);
    }))];
    return {
        firstCard: Math.min(...seen(".account .panel, .account .notice, .switch li").map((found) => box(found).top)) + scrollY,
        firstScreen: innerHeight,
        nextEnds: next ? next.bottom + scrollY : null,
        payEnds: seen("#pay").length ? box(seen("#pay")[0]).bottom + scrollY : null,
        numbers: seen(".invoices .number").map((found) => [found.textContent.trim(), box(found).width]),
        rows: seen(".invoices li").length,
        small: seen("a, button, summary, select, input, textarea")
            .filter((found) => !found.matches(".skip") && box(found).height < least)
            .map((found) => [found.textContent.trim().slice(0, 40), box(found).height]),
        edges: seen(".button:not(.primary, .danger, .text), select, input, textarea")
            .map((found) => [getComputedStyle(found).borderTopColor, ground(found.parentElement)]),
        columns: Object.fromEntries(["number", "plan", "amount", "badge"].map((name) => [name, edgesOf(name)])),
        badgeBeside: seen(".panel > header:has(.badge)").every((found) => {
            const [title, badge] = [box(found.querySelector("h2")), box(found.querySelector(".badge"))];
            return badge.top < title.bottom && badge.left > title.left;
        }),
        titles: seen("#summary-title, .panel h2").map((found) => {
            const style = getComputedStyle(found);
            return [style.fontSize, style.fontWeight, box(found).width > 1];
        }),
        primary: seen(".account .button.primary").length,
    };
}"""

Measures = dict[tuple[str, Language, str, int], dict[str, Any]]


@pytest.fixture(scope="module")
async def measures(browser: Browser) -> Measures:
    """(state, language, colour scheme, width) -> what the page measures."""
    measurements: Measures = {}
    for language in LANGUAGES:
        async with fresh(browser, language) as page:
            for name in MEASURED:
                async with opened(browser, STATES[name], language, page) as shown:
                    for scheme in ("light", "dark"):
                        await shown.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                        for width, height in SCREENS.items():
                            await shown.page.set_viewport_size({"width": width, "height": height})
                            measurements[name, language, scheme, width] = await shown.page.evaluate(MEASURE, TARGET_MIN)
    return measurements


@pytest.fixture(scope="module")
async def sheets(browser: Browser) -> dict[tuple[str, str, int], list[dict[str, Any]]]:
    """(state, colour scheme, width) -> what each frame of the page measures."""
    measurements: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    async with fresh(browser, "es") as page:
        for name in SHEETS:
            async with opened(browser, STATES[name], "es", page) as shown:
                for scheme, width in product(SCHEMES, (390, 1280)):
                    await shown.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                    await shown.page.set_viewport_size({"width": width, "height": SCREENS[width]})
                    frames = [await frame.evaluate(MEASURE, TARGET_MIN) for frame in shown.page.frames]
                    measurements[name, scheme, width] = frames
    return measurements


def rgb(colour: str) -> Rgb:
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return red, green, blue


@pytest.mark.parametrize("name", ["active", "ending", "past-due", "incomplete-without-card", "card-expired", "two-subscriptions"])
def test_on_a_phone_the_first_card_or_notice_is_near_the_top(measures: Measures, name: str) -> None:
    for language in LANGUAGES:
        assert measures[name, language, "light", 390]["firstCard"] <= 300


def test_the_next_charge_is_in_the_first_screen_at_every_width(measures: Measures) -> None:
    for (name, *_), measured in measures.items():
        assert measured["nextEnds"] is not None, name
        assert measured["nextEnds"] <= measured["firstScreen"], name


@pytest.mark.parametrize("name", ["past-due", "incomplete-without-card"])
def test_the_button_that_pays_is_in_the_first_screen_of_a_phone(measures: Measures, name: str) -> None:
    for language in LANGUAGES:
        measured = measures[name, language, "light", 390]
        assert measured["payEnds"] <= measured["firstScreen"]


def test_the_number_of_each_invoice_is_visible(measures: Measures) -> None:
    for place, measured in measures.items():
        assert len(measured["numbers"]) == measured["rows"] > 0, place
        for number, width in measured["numbers"]:
            assert "TS-" in number
            assert width > 40


def test_the_columns_of_the_history_are_shared(measures: Measures) -> None:
    """Amounts end, and everything else begins, at the same place in every row."""
    for (name, language, scheme, width), measured in measures.items():
        if width >= 1280:
            edges = {column: len(places) for column, places in measured["columns"].items()}
            assert edges == dict.fromkeys(edges, 1), (name, language, scheme, width)


def test_every_target_is_large_enough(measures: Measures) -> None:
    assert {place: measured["small"] for place, measured in measures.items() if measured["small"]} == {}


def test_every_control_has_an_edge_that_is_seen(measures: Measures) -> None:
    for place, measured in measures.items():
        assert measured["edges"], place
        assert min(contrast(rgb(edge), rgb(ground)) for edge, ground in measured["edges"]) >= EDGE_MIN, place


def test_targets_and_edges_of_dialogs_and_other_pages(sheets: dict[Any, list[dict[str, Any]]]) -> None:
    """Also of the card frame."""
    assert {place: small for place, frames in sheets.items() if (small := [each for it in frames for each in it["small"]])} == {}
    for place, frames in sheets.items():
        edges = [contrast(rgb(edge), rgb(ground)) for it in frames for edge, ground in it["edges"]]
        assert edges, place
        assert min(edges) >= EDGE_MIN, place


def test_the_four_titles_are_seen_and_equal(measures: Measures) -> None:
    for place, measured in measures.items():
        assert measured["titles"] == [["16px", "600", True]] * 4, place


def test_a_status_stands_beside_its_title(measures: Measures) -> None:
    assert [place for place, measured in measures.items() if not measured["badgeBeside"]] == []


def test_at_most_one_button_is_primary(measures: Measures) -> None:
    assert {place: measured["primary"] for place, measured in measures.items() if measured["primary"] > 1} == {}


async def test_a_subscription_is_cancelled_with_two_clicks(page: Page) -> None:
    async with LiveStage().open() as stage:
        await Visitor(page, stage.link).enter()
        await page.locator("#cancel").click()
        await page.locator("#dialog .danger").click()
        await expect(page.locator("#dialog [data-refresh]")).to_be_visible()
        assert len(stage.subscriptions.commands) == 1


async def test_the_card_on_file_is_retried_with_one_click_and_a_confirmation(page: Page) -> None:
    stage = LiveStage(owing())
    facing()(stage)
    async with stage.open():
        await Visitor(page, stage.link).enter()
        await page.locator("#pay-now").click()
        await page.locator("#dialog button.primary").click()
        await expect(page.locator("#payment-outcome")).to_be_visible()
        assert [request["amount"]["amount_minor"] for request in stage.live_payments.requests] == [2999]


async def test_each_change_shows_one_toast_and_never_two(page: Page) -> None:
    """Cancelling, keeping, a new card and a download."""
    async with LiveStage().open() as stage:
        portal = await Visitor(page, stage.link).enter()
        toasts = await page.evaluate_handle("""() => {
            const sentences = [];
            const sentence = document.querySelector("#toast p");
            new MutationObserver(() => sentences.push(sentence.textContent)).observe(sentence, { childList: true });
            return sentences;
        }""")
        cancel = await portal.cancel()
        await cancel.confirm()
        await cancel.close()
        await portal.keep()
        await expect(page.locator("#cancel")).to_be_visible()
        await expect(page.locator("#toast")).to_be_visible()
        card = await portal.edit_card()
        await card.fill(MASTERCARD)
        await card.confirm()
        await card.close()
        await portal.download(portal.invoice("TS-000014").locator(".pdf"))
        await expect(page.locator("#toast, [data-message]").filter(visible=True)).to_have_count(1)
        shown = await toasts.json_value()
    assert len(shown) == len(set(shown)) == 4
