"""Amounts of money."""

import pytest
from pydantic import ValidationError

from billing_contracts.money import Money


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (2999, "USD", "29.99"),
        (5, "USD", "0.05"),
        (-120, "USD", "-1.20"),
        (1234, "JPY", "1234"),
        (1234, "KWD", "1.234"),
        (0, "KWD", "0.000"),
    ],
)
def test_amounts_are_written_with_their_currencys_decimals(minor: int, currency: str, text: str) -> None:
    assert Money(amount_minor=minor, currency=currency).decimal() == text


@pytest.mark.parametrize("amount", [29.99, "2999", True])
def test_an_amount_is_a_whole_number_of_minor_units(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount_minor": amount, "currency": "USD"})
