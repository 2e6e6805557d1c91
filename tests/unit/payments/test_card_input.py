from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain import card_input
from payments.domain.card_input import CardEntry, Mistakes, read
from payments.domain.shapes import Brand
from support.payments.card_fields import TABLE

TODAY = date(2023, 5, 20)
NUMBERS = frozenset({"4242424242424242", "378282246310005"})


def mistakes(number: str = "4242424242424242", exp: str = "12 / 25", cvc: str = "123") -> dict[str, str]:
    entry = read(number, exp, cvc, TODAY, NUMBERS)
    return entry.codes if isinstance(entry, Mistakes) else {}


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: f"{case['field']}: {case['name']}")
def test_an_expiry_with_one_possible_reading_is_accepted(case: dict[str, Any]) -> None:
    if case["field"] == "exp":
        expiry = card_input.expiry_of(case["text"], date.fromisoformat(f"{TABLE['month']}-20"))
        assert (f"{expiry[1]}-{expiry[0]:02}" if expiry else None) == case["reads"]
    elif case["reads"] is None:
        assert not card_input.is_digits(card_input.digits_of(case["text"]))
    else:
        assert card_input.digits_of(case["text"]) == case["reads"]


@given(st.text(), st.text(), st.text())
def test_any_text_is_a_card_or_a_mistake(number: str, exp: str, cvc: str) -> None:
    assert isinstance(read(number, exp, cvc, TODAY, NUMBERS), Mistakes)


@given(st.text("0123456789 /-.٤\uff12"))
def test_any_digits_are_an_expiry_or_none(exp: str) -> None:
    expiry = card_input.expiry_of(exp, TODAY)
    assert expiry is None or 1 <= expiry[0] <= 12


@pytest.mark.parametrize("number", ["4242424242424242", "4242 4242 4242 4242", " 4242-4242-4242-4242 "])
def test_spaces_and_dashes_are_accepted(number: str) -> None:
    assert read(number, "12/2025", "123", TODAY, NUMBERS) == CardEntry("4242424242424242", 12, 2025, "123")


@pytest.mark.parametrize(
    ("number", "mistake"),
    [
        ("", card_input.NUMBER_MISSING),
        ("4242424242424241", card_input.NUMBER_WRONG),
        ("424242424242", card_input.NUMBER_LENGTH),
        ("4" * 20, card_input.NUMBER_LENGTH),
        ("4242x24242424242", card_input.NUMBER_WRONG),
        ("4111111111111111", card_input.TEST_NUMBERS_ONLY),
    ],
)
def test_an_impossible_number_has_its_own_code(number: str, mistake: str) -> None:
    assert mistakes(number=number) == {"number": mistake}


@pytest.mark.parametrize(
    ("exp", "mistake"),
    [
        ("", card_input.EXP_MISSING),
        ("13/30", card_input.EXP_WRONG),
        ("00/30", card_input.EXP_WRONG),
        ("soon", card_input.EXP_WRONG),
        ("12/2099", card_input.EXP_WRONG),
        ("04/23", card_input.EXP_PAST),
        ("12/22", card_input.EXP_PAST),
    ],
)
def test_an_impossible_expiry_has_its_own_code(exp: str, mistake: str) -> None:
    assert mistakes(exp=exp) == {"exp": mistake}


@pytest.mark.parametrize("exp", ["05/23", "5/2023", "0523", "05 / 23", "12-25"])
def test_a_card_is_good_until_the_end_of_its_month(exp: str) -> None:
    assert mistakes(exp=exp) == {}


def test_the_codes_length_depends_on_the_brand() -> None:
    assert mistakes(cvc="") == {"cvc": card_input.CVC_MISSING}
    assert mistakes(cvc="1234") == mistakes(cvc="12") == mistakes(cvc="12a") == {"cvc": card_input.CVC_LENGTH}
    assert mistakes(number="378282246310005", cvc="1234") == {}
    assert mistakes(number="378282246310005", cvc="123") == {"cvc": card_input.CVC_LENGTH_AMEX}


def test_all_mistakes_are_reported_together() -> None:
    assert set(mistakes("1", "1", "1")) == {"number", "exp", "cvc"}


def test_brands_are_known_by_their_first_digits() -> None:
    brands = [card_input.brand_of(number) for number in ("42", "55", "2223", "37", "60", "")]
    assert brands == [Brand.VISA, Brand.MASTERCARD, Brand.MASTERCARD, Brand.AMEX, Brand.OTHER, Brand.OTHER]


def test_the_repr_of_a_card_entry_shows_nothing() -> None:
    assert "4242" not in repr(read("4242424242424242", "12/25", "987", TODAY, NUMBERS))
    assert "987" not in repr(read("4242424242424242", "12/25", "987", TODAY, NUMBERS))
