"""Card fields accept what password managers fill in and people paste. The page's script and the server read it alike."""

from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
from browser.live_stage import MASTERCARD, LiveStage
from browser.test_card_entry_errors import Card
from playwright.async_api import Page, expect

from payments.domain.card_input import brand_of
from payments.domain.shapes import Brand
from support.payments.card_fields import TABLE
from support.portal_page.page_objects import press

SCRIPT = files("payments.adapters.card_page").joinpath("files", "fields.js").read_text()


async def test_the_script_reads_what_the_server_reads(page: Page) -> None:
    await page.goto("about:blank")
    read: list[Any] = await page.evaluate(
        """([script, month, cases]) => {
            new Function(script)();
            const { digits, expiry } = globalThis.cardFields;
            return cases.map(({ field, text }) => (field === "exp" ? expiry(text, month) : digits(text)));
        }""",
        [SCRIPT, TABLE["month"], TABLE["cases"]],
    )
    for case, reading in zip(TABLE["cases"], read, strict=True):
        if case["field"] != "exp" and case["reads"] is None:
            assert not (reading.isascii() and reading.isdigit()), case["name"]
        else:
            assert reading == case["reads"], case["name"]


@pytest.mark.parametrize(
    ("number", "exp", "shown", "cvc"),
    [
        ("5555\u20115555\u20115555\u20114444", "2023-12", "12 / 23", "\u200b123"),
        ("\u200e５５５５ ５５５５ ５５５５ ４４４４\u200f", "122023", "12 / 23", " 1 2 3 "),
        ("5555.5555.5555.4444", "2023/12", "12 / 23", "１２３"),
        ("5555 5555 5555 4444", "12.2023", "12 / 23", "123"),
    ],
)
async def test_filled_in_or_pasted_values_are_normalised_and_saved(
    page: Page, number: str, exp: str, shown: str, cvc: str
) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        await card.type(number, exp, cvc)
        await expect(card.field("number")).to_have_value("5555 5555 5555 4444")
        await expect(card.field("exp")).to_have_value(shown)
        await card.confirm()
        await expect(page.locator("dialog [data-new-card]")).to_contain_text("Mastercard •••• 4444")
        [entry] = stage.live_payments.cards.tokenised
        assert (entry.number, entry.exp_month, entry.exp_year, entry.cvc) == (MASTERCARD, 12, 2023, "123")


async def test_an_expiry_is_formatted_while_it_is_typed(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        for typed, shown in (
            ("1230", "12 / 30"),
            ("12/30", "12 / 30"),
            ("5/30", "05 / 30"),
            ("12 / 2030", "12 / 2030"),
        ):
            await card.field("exp").fill("")
            await card.field("exp").press_sequentially(typed)
            await expect(card.field("exp")).to_have_value(shown)


async def test_the_marks_of_accepted_brands_become_the_mark_of_the_typed_number(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        number, marks = card.field("number"), card.frame.locator("#brands > *").filter(visible=True)
        for digits in ("", "4", "5", "55", "2", "27", "3", "37", "34", "6", "6011"):
            await number.fill(digits)
            brand = brand_of(digits)
            shown = ["visa", "mastercard", "amex"] if len(digits) < 2 and brand is Brand.OTHER else [brand.value]
            await expect(marks).to_have_count(0 if digits == "6011" else len(shown))
            assert await marks.evaluate_all("all => all.map((mark) => mark.getAttribute('class'))") == (
                [] if digits == "6011" else shown
            )


async def test_one_press_fills_in_a_test_number(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        await press(card.field("sample"))
        await expect(card.field("number")).to_have_value("4242 4242 4242 4242")
        await expect(card.field("exp")).to_be_focused()
        await card.field("exp").fill("12 / 30")
        await card.field("cvc").fill("123")
        await card.confirm()
        await expect(page.locator("dialog [data-new-card]")).to_contain_text("Visa •••• 4242")


def test_the_tables_month_is_valid() -> None:
    assert datetime.strptime(TABLE["month"], "%Y-%m").replace(tzinfo=UTC)
