"""Typing mistakes, declines and limits: each has its own sentence at the right place in the page's language."""

import re

import pytest
from browser.fast_time import control_time, forward_until
from browser.live_payments import SECONDS_TO_WAIT
from browser.live_stage import DECLINED, MASTERCARD, LiveStage
from playwright.async_api import Locator, Page, expect

from chassis.http.problems import Problem
from payments.adapters.card_page.words import language_of, too_many_declines, words_for
from support.portal_page import scenes
from support.portal_page.page_objects import CardDialog, badge, press, problem

AMEX, VISA = "378282246310005", "4242424242424242"
GOOD = (MASTERCARD, "12 / 30", "123")
EVERYTHING = ("", "", "")
MISTAKES = {
    ("4242424242424241", *GOOD[1:]): ("number", "number_wrong"),
    ("424242424242", *GOOD[1:]): ("number", "number_length"),
    ("42424242424242424242", *GOOD[1:]): ("number", "number_length"),
    ("4111111111111111", *GOOD[1:]): ("number", "test_numbers_only"),
    ("4242x", *GOOD[1:]): ("number", "number_wrong"),
    (VISA, "13/30", "123"): ("exp", "exp_wrong"),
    (VISA, "00/30", "123"): ("exp", "exp_wrong"),
    (VISA, "04/23", "123"): ("exp", "exp_past"),
    (VISA, "12 / 30", "12"): ("cvc", "cvc_length"),
    (VISA, "12 / 30", "1234"): ("cvc", "cvc_length"),
    (VISA, "12 / 30", "12a"): ("cvc", "cvc_length"),
    (AMEX, "12 / 30", "123"): ("cvc", "cvc_length_amex"),
    EVERYTHING: ("number", "number_missing"),
    (VISA, "", ""): ("exp", "exp_missing"),
    (VISA, "12 / 30", ""): ("cvc", "cvc_missing"),
}
"""Typed values -> the first invalid field and its error. The merchant's clock is in May 2023."""
REFUSALS = {
    DECLINED: "card_declined",
    "4000000000009995": "insufficient_funds",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
}
LANGUAGES = ("es", "en")


def sentence(language: str, code: str) -> str:
    """The card page's sentence for a code."""
    return words_for(language_of(language))[code]


class Card:
    """The fields of the card dialog in any language."""

    def __init__(self, page: Page) -> None:
        self.page, self.frame = page, page.frame_locator("dialog iframe")

    @classmethod
    async def opened(cls, page: Page, stage: LiveStage, language: str = "es") -> "Card":
        await stage.enter(page)
        await page.goto(f"{stage.origin}/?lang={language}")
        await page.locator("#edit-method").click()
        card = cls(page)
        await expect(card.field("number")).to_be_focused()
        return card

    def field(self, id: str) -> Locator:
        return self.frame.locator(f"#{id}")

    async def type(self, number: str, exp: str = "12 / 30", cvc: str = "123") -> None:
        for id, text in (("number", number), ("exp", exp), ("cvc", cvc)):
            await self.field(id).fill(text)

    async def confirm(self) -> None:
        await press(self.field("confirm"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_mistake_is_shown_at_its_field_which_gets_the_focus(page: Page, language: str) -> None:
    async with LiveStage().open() as stage:
        await page.set_viewport_size({"width": 320, "height": 900})
        card = await Card.opened(page, stage, language)
        for typed, (wrong, code) in MISTAKES.items():
            await card.type(*typed)
            await card.confirm()
            field = card.field(wrong)
            await expect(field).to_have_accessible_description(sentence(language, code))
            await expect(field).to_have_attribute("aria-describedby", f"{wrong}-error")
            await expect(field).to_have_attribute("aria-invalid", "true")
            await expect(field).to_be_focused()
            await expect(card.field(f"{wrong}-error")).to_be_visible()
            await whole(page)
        assert stage.live_payments.cards.tokenised == []
        await card.type("")
        await card.confirm()
        await card.type(*GOOD)
        await expect(card.frame.locator("[aria-invalid], [aria-describedby]")).to_have_count(0)


async def whole(page: Page) -> None:
    """The frame shows its whole page and scrolls in neither direction."""
    inner = next(frame for frame in page.frames if "/cards/" in frame.url)
    await inner.wait_for_function(
        """() => { const root = document.documentElement;
            return root.scrollHeight <= innerHeight && root.scrollWidth <= innerWidth && innerWidth <= 320 }"""
    )


@pytest.mark.parametrize(
    ("number", "expiry"),
    [
        ("5555555555554444", "05/23"),
        ("5555 5555 5555 4444", "5/2023"),
        (" 5555-5555-5555-4444 ", "0523"),
        ("5555\u00a05555\u00a05555\u00a04444", "05-23"),
    ],
)
async def test_spaces_dashes_and_the_current_month_are_accepted(page: Page, number: str, expiry: str) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        await card.type(number, expiry)
        await card.confirm()
        await expect(page.locator("dialog [data-new-card]")).to_contain_text("Mastercard •••• 4444")
        [entry] = stage.live_payments.cards.tokenised
        assert (entry.number, entry.exp_month, entry.exp_year) == (MASTERCARD, 5, 2023)


async def test_a_number_can_be_pasted_in_printed_form(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        for copied in ("5555 5555 5555 4444", "5555-5555-5555-4444\n", "\t5555555555554444"):
            await page.evaluate("text => { focus(); return navigator.clipboard.writeText(text) }", copied)
            number = card.field("number")
            await number.click()
            await expect(number).to_be_focused()
            await number.press("ControlOrMeta+a")
            await number.press("ControlOrMeta+v")
            await expect(number).to_have_value("5555 5555 5555 4444")


async def test_an_amex_needs_a_four_digit_code_and_is_grouped_as_printed(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        await card.field("number").press_sequentially(AMEX)
        await expect(card.field("number")).to_have_value("3782 822463 10005")
        await expect(card.field("cvc")).to_have_attribute("placeholder", sentence("es", "cvc_four"))
        await card.field("exp").press_sequentially("1230")
        await card.field("cvc").press_sequentially("12345")
        await expect(card.field("cvc")).to_have_value("1234")
        await card.confirm()
        await expect(page.get_by_role("dialog")).to_contain_text("American Express •••• 0005")


async def test_fields_have_autocomplete_and_input_mode(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        for id, filled in {"number": "cc-number", "exp": "cc-exp", "cvc": "cc-csc"}.items():
            await expect(card.field(id)).to_have_attribute("autocomplete", filled)
            await expect(card.field(id)).to_have_attribute("inputmode", "numeric")
            await expect(card.field(id)).to_have_attribute("aria-required", "true")
        for filled in ("12/2030", "12/30"):
            await card.field("exp").fill(filled)
            await card.field("exp").blur()
            await expect(card.field("exp")).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_decline_code_has_its_own_sentence_and_the_old_card_stays(page: Page, language: str) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage, language)
        for number, code in REFUSALS.items():
            await card.type(number)
            await card.confirm()
            about_code = code == "incorrect_cvc"
            field = "cvc" if about_code else "number"
            await expect(card.field(f"{field}-error")).to_have_text(sentence(language, code))
            await expect(card.field(field)).to_have_accessible_description(sentence(language, code))
            await expect(card.field(field)).to_be_focused()
            await expect(card.field("problem")).to_be_hidden()
            await expect(card.field("cvc")).to_have_value("" if about_code else "123")
        assert stage.views.shown.facts["payment_method"]["last4"] == "4242"  # type: ignore[index]


async def test_a_saved_card_whose_charge_is_declined_shows_it_at_the_invoice(page: Page) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        stage.invoicing.invoice_is = scenes.whole_invoice(status="failed")
        dialog: CardDialog = await (await stage.enter(page)).pay_debt()
        await dialog.fill("4000000000000341")
        await dialog.confirm()
        await expect(badge(dialog.root.locator("[data-charge] dd"), "failed")).to_be_visible()
        await expect(dialog.root.locator("[data-advice=failed]")).to_be_visible()
        await expect(dialog.saved).to_contain_text("Visa •••• 0341")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_after_five_declined_cards_the_next_attempt_has_to_wait(page: Page, language: str) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage, language)
        for attempt in range(5):
            await card.type(DECLINED)
            await card.confirm()
            await expect(problem(card.frame, "card_declined")).to_be_visible()
            assert stage.live_payments.declined == attempt + 1
        await card.type(MASTERCARD)
        await card.confirm()
        await expect(card.field("problem")).to_have_text(too_many_declines(language_of(language), SECONDS_TO_WAIT))
        assert len(stage.live_payments.requests) == 5


async def test_the_portals_rate_limit_is_shown_with_its_waiting_time(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        stage.limits.refuses = Problem(429, "too_many_requests", "Too often", headers={"retry-after": "61"})
        await card.type(MASTERCARD)
        await card.confirm()
        await expect(card.field("problem")).to_have_text(too_many_declines(language_of("es"), 61))
        await press(card.field("back"))
        await page.locator("#edit-method").click()
        await expect(page.locator("dialog [data-problem=tooMany]")).to_have_text(re.compile(r"\b2\b"))
        await expect(page.locator("dialog [data-retry]")).to_be_hidden()
        stage.limits.refuses = None
        await page.locator("dialog [data-fallback] [data-close]").click()
        await page.locator("#edit-method").click()
        await expect(card.field("number")).to_be_focused()


async def test_while_cards_are_refused_the_button_is_disabled_and_the_wait_counts_down(page: Page) -> None:
    await control_time(page)
    async with LiveStage().open() as stage:
        stage.live_payments.cards.seconds_blocked = 121
        card = await Card.opened(page, stage)
        await card.type(MASTERCARD)
        await card.confirm()
        for minutes in (3, 2, 1):
            countdown = card.field("problem").and_(card.frame.get_by_text(too_many_declines(language_of("es"), 60 * minutes)))
            await forward_until(page, countdown)
            await expect(card.field("confirm")).to_be_disabled()
        stage.live_payments.cards.seconds_blocked = 0
        await forward_until(page, card.frame.locator("#problem[hidden] ~ .actions #confirm[aria-disabled=false]"))
        await card.confirm()
        await expect(page.locator("dialog [data-new-card]")).to_be_visible()


async def test_a_refused_number_is_selected_and_its_refusal_stays_until_it_changes(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        await card.type(DECLINED)
        await card.confirm()
        refusal = card.field("number-error")
        await expect(refusal).to_be_visible()
        await expect(card.field("number")).to_be_focused()
        assert await card.field("number").evaluate("(field) => field.value.slice(field.selectionStart, field.selectionEnd)") == (
            "4000 0000 0000 0002"
        )
        await card.field("exp").focus()
        await expect(refusal).to_have_text(sentence("es", "card_declined"))
        await card.field("number").press("Delete")
        await expect(refusal).to_be_hidden()
