"""Card fields accept what password managers fill in and people paste. The page's script and the server read it alike."""

from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
from browser.live_stage import MASTERCARD, LiveStage
from browser.test_card_entry_errors import Card
from playwright.async_api import Page, expect

from support.payments.card_fields import TABLE

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
    for case, found in zip(TABLE["cases"], read, strict=True):
        if case["field"] != "exp" and case["reads"] is None:
            assert not (found.isascii() and found.isdigit()), case["name"]
        else:
            assert found == case["reads"], case["name"]


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


def test_the_tables_month_is_valid() -> None:
    assert datetime.strptime(TABLE["month"], "%Y-%m").replace(tzinfo=UTC)
