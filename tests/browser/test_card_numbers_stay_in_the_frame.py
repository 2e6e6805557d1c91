"""A card number is only in the frame's fields and in one request. The frame has the portal's colours and language."""

import json
import re
from dataclasses import replace
from typing import Any, Literal

import pytest
from browser.live_stage import MASTERCARD, LiveStage
from browser.seed import sampled
from playwright.async_api import Browser, Frame, Page, expect

from payments.adapters.card_page.words import confirm_text, language_of
from payments.domain.shapes import Money
from support.browsing import watched_page
from support.portal_page import scenes
from support.portal_page.page_objects import press, problem

CODE = "987"
STORAGE = """async () => {
    const kept = [];
    for (const look of [
        () => ({ ...localStorage }), () => ({ ...sessionStorage }), () => indexedDB.databases(), () => caches.keys(),
        () => document.cookie, () => [window.name, history.state, location.href],
        () => performance.getEntries().map((entry) => entry.name),
    ]) {
        try { kept.push(await look()); } catch (refusal) { kept.push(refusal.name); }
    }
    return JSON.stringify(kept);
}"""
"""All storage of a window. A browser may refuse storage to a frame."""
BUTTON = """(button) => {
    const { color, backgroundColor, borderColor } = getComputedStyle(button);
    return [color, backgroundColor, borderColor];
}"""
GROUND = "(element) => getComputedStyle(element).backgroundColor"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def frame_of(page: Page) -> Frame:
    return next(frame for frame in page.frames if "/cards/" in frame.url)


def holds_it(text: str) -> bool:
    """Whether the text contains the code, or the number with any separators."""
    return MASTERCARD in re.sub(r"[\s\u00a0+-]|%20", "", text) or f'"{CODE}"' in text


async def test_the_number_is_sent_once_to_the_card_page_and_stored_nowhere(page: Page) -> None:
    sent: list[tuple[str, str, str]] = []
    written: list[str] = []
    page.on("request", lambda request: sent.append((request.method, request.url, request.post_data or "")))
    page.on("console", lambda message: written.append(message.text))
    async with LiveStage().open() as stage:
        portal = await stage.enter(page)
        dialog = await portal.edit_card()
        await page.evaluate("window.heard = []; addEventListener('message', ({ data }) => heard.push(data))")
        for code in ("98", CODE):
            await dialog.number.press_sequentially(MASTERCARD)
            await dialog.fill(MASTERCARD, code=code)
            frame = frame_of(page)
            assert not holds_it(await page.content())
            for window in (page.main_frame, frame):
                assert not holds_it(await window.evaluate(STORAGE))
            await dialog.confirm()
        await expect(dialog.saved).to_contain_text("Mastercard •••• 4444")
        assert not holds_it(await page.content())
        assert not holds_it(json.dumps(await page.evaluate("heard")))
        assert not holds_it(await page.evaluate(STORAGE))
        assert not holds_it(" ".join(written))
        [(method, url, body)] = [each for each in sent if holds_it(" ".join(each))]
        assert (method, re.sub("[0-9a-f-]{36}", "id", url)) == ("POST", f"{stage.cards_origin}/cards/id/token")
        assert json.loads(body)["cvc"] == CODE
        assert await page.context.cookies(stage.cards_origin) == []


@pytest.mark.parametrize("method", ["get", "post"])
async def test_only_their_script_can_submit_the_fields(browser: Browser, method: str) -> None:
    async with watched_page(browser, lambda message: False) as page, LiveStage().open() as stage:
        dialog = await (await stage.enter(page)).edit_card()
        await dialog.fill(MASTERCARD)
        frame, sent = frame_of(page), list[str]()
        visited, setup = await page.evaluate("history.length"), frame.url
        page.on("request", lambda request: sent.append(request.url))
        assert await frame.evaluate("[...new FormData(document.querySelector('form')).keys()]") == []
        await frame.evaluate(
            """method => {
                const form = document.querySelector("form");
                form.method = method;
                HTMLFormElement.prototype.submit.call(form);
            }""",
            method,
        )
        await page.wait_for_timeout(500)
        assert (sent, await page.evaluate("history.length")) == ([], visited)
        assert frame.url in (setup, "chrome-error://chromewebdata/")


async def test_another_sites_page_gets_no_field_of_an_open_set_up(browser: Browser) -> None:
    async with (
        watched_page(browser, lambda message: False) as page,
        LiveStage().open() as stage,
        LiveStage().open() as elsewhere,
    ):
        await (await stage.enter(page)).edit_card()
        card = frame_of(page).url
        stranger = await page.context.new_page()

        async def framing(route: Any) -> None:
            frames = f'<iframe src="{card}"></iframe><iframe src="{stage.origin}/payment-method"></iframe>'
            await route.fulfill(content_type="text/html", body=f"<!doctype html><title>Stranger</title>{frames}")

        await stranger.route(f"{elsewhere.origin}/stranger", framing)
        await stranger.goto(f"{elsewhere.origin}/stranger")
        await expect(stranger.locator("iframe")).to_have_count(2)
        for frame in stranger.frames[1:]:
            await frame.wait_for_load_state()
            assert await frame.locator("input, button").count() == 0
        await stranger.goto(card)
        await expect(problem(stranger, "alone")).to_be_visible()
        await expect(stranger.locator("#number")).to_be_disabled()


@pytest.mark.parametrize("brand", sampled("brand", ["#1f57c3", "#e8590c", "#ffd400", "#000000", "#ffffff", "#808080", None], 3))
async def test_the_frames_button_looks_like_the_portals_in_both_schemes(page: Page, brand: str | None) -> None:
    view = replace(scenes.owing(), merchant=scenes.merchant(branding={"colour": brand}))
    async with LiveStage(view).open() as stage:
        portal = await stage.enter(page)
        own = page.locator("#pay")
        await page.emulate_media(reduced_motion="reduce")
        dialog = await portal.pay_debt()
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            inside = await dialog.confirm_button.evaluate(BUTTON)
            assert inside == await own.evaluate(BUTTON), scheme
            assert await dialog.frame.locator("body").evaluate(GROUND) == await dialog.root.evaluate(GROUND)


@pytest.mark.parametrize("language", ["es", "en"])
async def test_the_frame_uses_the_pages_language_and_the_merchants_clock(page: Page, language: str) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        await stage.enter(page)
        await page.goto(f"{stage.origin}/payment-method?lang={language}")
        inside = page.frame_locator("iframe")
        await expect(inside.locator("#confirm")).to_have_text(confirm_text(language_of(language), [Money(2999, "USD")]))
        assert (await inside.locator("html").get_attribute("lang") or "").startswith(language)
        await expect(inside.locator("#card")).to_have_attribute("data-month", "2023-05")
        await press(inside.locator("#back"))
        await expect(page.locator("#pane-payment_method")).to_be_visible()
