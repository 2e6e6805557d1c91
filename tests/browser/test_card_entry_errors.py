"""Typing mistakes, declines and limits: each has its own sentence at the right place in the page's language."""

import re

import pytest
from browser.live_stage import DECLINED, MASTERCARD, LiveStage
from playwright.async_api import Locator, Page, expect

from chassis.http.problems import Problem
from support.portal_page import scenes
from support.portal_page.page_objects import CardDialog, Visitor, press

AMEX, VISA = "378282246310005", "4242424242424242"
GOOD = (MASTERCARD, "12 / 30", "123")
EVERYTHING = ("", "", "")
MISTAKES = {
    ("4242424242424241", *GOOD[1:]): (
        "number",
        "Revisa el número: tiene algún error",
        "Check the number: something in it is wrong",
    ),
    ("424242424242", *GOOD[1:]): (
        "number",
        "El número debe tener entre 13 y 19 dígitos",
        "The number should have 13 to 19 digits",
    ),
    ("42424242424242424242", *GOOD[1:]): (
        "number",
        "El número debe tener entre 13 y 19 dígitos",
        "The number should have 13 to 19 digits",
    ),
    ("4111111111111111", *GOOD[1:]): ("number", "Solo números de prueba", "Test numbers only"),
    ("4242x", *GOOD[1:]): ("number", "Revisa el número: tiene algún error", "Check the number: something in it is wrong"),
    (VISA, "13/30", "123"): ("exp", "Escribe mes y año, por ejemplo 12 / 27", "Enter month and year, for example 12 / 27"),
    (VISA, "00/30", "123"): ("exp", "Escribe mes y año, por ejemplo 12 / 27", "Enter month and year, for example 12 / 27"),
    (VISA, "04/23", "123"): ("exp", "Esta tarjeta ya venció", "This card has expired"),
    (VISA, "12 / 30", "12"): ("cvc", "El CVV tiene 3 dígitos", "The CVV has 3 digits"),
    (VISA, "12 / 30", "1234"): ("cvc", "El CVV tiene 3 dígitos", "The CVV has 3 digits"),
    (VISA, "12 / 30", "12a"): ("cvc", "El CVV tiene 3 dígitos", "The CVV has 3 digits"),
    (AMEX, "12 / 30", "123"): (
        "cvc",
        "En American Express el CVV tiene 4 dígitos",
        "The CVV of American Express has 4 digits",
    ),
    EVERYTHING: ("number", "Escribe el número de la tarjeta", "Enter the card number"),
    (VISA, "", ""): ("exp", "Escribe el vencimiento", "Enter the expiry date"),
    (VISA, "12 / 30", ""): ("cvc", "Escribe el CVV", "Enter the CVV"),
}
"""Typed values -> the first invalid field and its error. The merchant's clock is in May 2023."""
REFUSALS = {
    DECLINED: (
        "El banco rechazó la tarjeta. Tu tarjeta anterior sigue igual; prueba con otra.",
        "The bank declined the card. Your previous card is unchanged; try another one.",
    ),
    "4000000000009995": (
        "La tarjeta no tiene fondos suficientes. Tu tarjeta anterior sigue igual; prueba con otra.",
        "The card has insufficient funds. Your previous card is unchanged; try another one.",
    ),
    "4000000000000069": (
        "El banco dice que la tarjeta ya venció. Tu tarjeta anterior sigue igual; prueba con otra.",
        "The bank says that the card has expired. Your previous card is unchanged; try another one.",
    ),
    "4000000000000127": (
        "El CVV no coincide con la tarjeta. Revísalo y vuelve a intentarlo.",
        "The CVV does not match the card. Check it and try again.",
    ),
}
LANGUAGES = {"es": 0, "en": 1}


class Card:
    """The fields of the card dialog in any language."""

    def __init__(self, page: Page) -> None:
        self.page, self.frame = page, page.frame_locator("dialog iframe")

    @classmethod
    async def opened(cls, page: Page, stage: LiveStage, language: str = "es") -> "Card":
        await Visitor(page, stage.link).enter()
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
        for typed, (wrong, *words) in MISTAKES.items():
            await card.type(*typed)
            await card.confirm()
            field = card.field(wrong)
            await expect(field).to_have_accessible_description(words[LANGUAGES[language]])
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
        await expect(page.get_by_role("dialog")).to_contain_text("Desde ahora usaremos Mastercard •••• 4444.")
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
        await expect(card.field("cvc")).to_have_attribute("placeholder", "4 dígitos")
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
        for number, words in REFUSALS.items():
            await card.type(number)
            await card.confirm()
            about_code = number.endswith("0127")
            told = card.field("cvc-error" if about_code else "problem")
            await expect(told).to_have_text(words[LANGUAGES[language]])
            await expect(card.field("cvc" if about_code else "number")).to_be_focused()
            await expect(card.field("cvc")).to_have_value("" if about_code else "123")
        assert stage.views.shown.facts["payment_method"]["last4"] == "4242"  # type: ignore[index]


async def test_a_saved_card_whose_charge_is_declined_shows_it_at_the_invoice(page: Page) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        stage.invoicing.invoice_is = scenes.whole_invoice(status="failed")
        dialog: CardDialog = await (await Visitor(page, stage.link).enter()).pay_debt()
        await dialog.fill("4000000000000341")
        await dialog.confirm()
        await expect(dialog.root.locator("[data-charge]").get_by_role("definition")).to_have_text("Pago fallido")
        await expect(dialog.root).to_contain_text("No pudimos cobrar con esta tarjeta. Puedes intentarlo con otra.")
        await expect(dialog.root).to_contain_text("Desde ahora usaremos Visa •••• 0341.")


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("es", "Demasiados intentos con tarjetas rechazadas. Podrás probar otra vez en 42 minutos."),
        ("en", "Too many attempts with declined cards. You can try again in 42 minutes."),
    ],
)
async def test_after_five_declined_cards_the_next_attempt_has_to_wait(page: Page, language: str, sentence: str) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage, language)
        for attempt in range(5):
            await card.type(DECLINED)
            await card.confirm()
            await expect(card.field("problem")).to_contain_text(re.compile("rechazó|declined"))
            assert stage.live_payments.declined == attempt + 1
        await card.type(MASTERCARD)
        await card.confirm()
        await expect(card.field("problem")).to_have_text(sentence)
        assert len(stage.live_payments.asked) == 5


async def test_the_portals_rate_limit_is_shown_with_its_waiting_time(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        stage.limits.refuses = Problem(429, "too_many_requests", "Too often", headers={"retry-after": "61"})
        await card.type(MASTERCARD)
        await card.confirm()
        await expect(card.field("problem")).to_contain_text("Podrás probar otra vez en 2 minutos.")
        await press(card.field("back"))
        await page.locator("#edit-method").click()
        await expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text(
            "Lo intentaste muchas veces. Vuelve a probar en 2 minutos."
        )
        stage.limits.refuses = None
        await page.get_by_role("dialog").get_by_role("button", name="Intentar de nuevo").click()
        await expect(card.field("number")).to_be_focused()
