"""Both languages in a real browser, with singular and plural."""

import json
import re
from collections.abc import AsyncIterator

import pytest
from browser.live_stage import LiveStage
from playwright.async_api import Page, expect

from payments.adapters.card_page.words import language_of, too_many_declines
from portal_gateway.application.presentation.cancellation import COMMENT_LIMIT
from support.payments.card_page import VISA_NUMBER
from support.portal_page.fakes import TOKEN
from support.portal_page.page_objects import language_link, press

LANGUAGES = ("es", "en")


@pytest.fixture
async def stage() -> AsyncIterator[LiveStage]:
    async with LiveStage().open() as stage:
        yield stage


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_character_counter_uses_singular_and_plural(page: Page, stage: LiveStage, language: str) -> None:
    await stage.enter(page)
    await page.goto(f"{stage.origin}/?lang={language}")
    await page.locator("#cancel").click()
    line = page.locator("#comment-limit")
    forms = json.loads(await line.get_attribute("data-left") or "")
    assert len({forms["one"], forms["other"]}) == 2
    await page.locator("[name=feedback][value=other]").check()
    for left in (1, 2, COMMENT_LIMIT):
        await page.locator("#comment").fill("x" * (COMMENT_LIMIT - left))
        await expect(line).to_have_text(forms["one" if left == 1 else "other"].replace("%(count)d", str(left)))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_card_page_shows_the_minutes_to_wait(page: Page, stage: LiveStage, language: str) -> None:
    await stage.enter(page)
    for seconds in (40, 1000):
        stage.live_payments.cards.seconds_blocked = 0
        await page.goto(f"{stage.origin}/payment-method?lang={language}")
        card = page.frame_locator("iframe")
        for id, text in (("number", VISA_NUMBER), ("exp", "12 / 30"), ("cvc", "123")):
            await card.locator(f"#{id}").fill(text)
        stage.live_payments.cards.seconds_blocked = seconds
        await press(card.locator("#confirm"))
        await expect(card.get_by_role("alert")).to_have_text(too_many_declines(language_of(language), seconds))


async def test_the_language_chosen_in_the_footer_is_kept(page: Page, stage: LiveStage) -> None:
    await stage.enter(page)
    await language_link(page, "en").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en-US")
    await page.goto(stage.origin)
    await expect(page.locator("html")).to_have_attribute("lang", "en-US")
    await language_link(page, "es").click()
    await expect(page.locator("html")).to_have_attribute("lang", re.compile("^es"))


async def test_a_link_that_waits_for_a_click_still_waits_in_the_other_language(page: Page, stage: LiveStage) -> None:
    await page.goto(stage.link.replace("/enter#", "/enter?continue#"))
    await language_link(page, "en").click()
    await page.locator("#continue").click()
    await expect(page.locator("#invoices-title")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "en-US")
    assert TOKEN.secret not in await page.evaluate("JSON.stringify(navigation.entries().map((entry) => entry.url))")
