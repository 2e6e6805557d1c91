"""Amounts in Stripe's units."""

from itertools import product

import pytest

from billing_contracts.currencies import MONETARY, OTHERS
from payments.adapters.stripe.currencies import NotChargeable, from_stripe, to_stripe
from payments.domain.shapes import Money

AMOUNTS = (1, 10, 50, 99, 100, 990, 1000, 2999, 12340, 500000)


def test_an_amount_is_the_same_after_the_way_there_and_back_or_it_is_refused() -> None:
    for currency, amount in product(sorted(MONETARY | OTHERS), AMOUNTS):
        money = Money(amount, currency)
        try:
            at_stripe = to_stripe(money)
        except NotChargeable:
            continue
        assert from_stripe(at_stripe, currency.lower()) == money


@pytest.mark.parametrize(
    ("currency", "minor", "at_stripe"),
    [
        *(("USD", 2999, 2999), ("MXN", 100, 100), ("HUF", 1045, 1045), ("TWD", 80045, 80045), ("CRC", 1500000, 1500000)),
        *(("JPY", 500, 500), ("CLP", 990, 990), ("KRW", 10000, 10000)),
        *(("KWD", 5120, 5120), ("BHD", 10, 10)),
        *(("ISK", 500, 50000), ("UGX", 500, 50000), ("MGA", 500, 5)),
    ],
)
def test_amounts_at_stripe(currency: str, minor: int, at_stripe: int) -> None:
    assert to_stripe(Money(minor, currency)) == at_stripe


@pytest.mark.parametrize(
    ("currency", "minor"),
    [
        ("KWD", 5123),
        ("TND", 1),
        ("MGA", 501),
        ("LYD", 1000),
        ("IQD", 1000),
        ("UYI", 1),
        ("CLF", 10000),
        ("UYW", 10000),
        ("XAG", 1),
    ],
)
def test_no_amount_is_rounded(currency: str, minor: int) -> None:
    with pytest.raises(NotChargeable):
        to_stripe(Money(minor, currency))


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_a_fraction_of_the_smallest_unit_is_not_an_amount(currency: str) -> None:
    with pytest.raises(ValueError, match="fraction"):
        from_stripe(50001, currency)


def test_most_currencies_are_chargeable() -> None:
    refused = set()
    for currency in MONETARY:
        try:
            to_stripe(Money(10_000, currency))
        except NotChargeable:
            refused.add(currency)
    assert refused == {"IQD", "LYD", "CLF", "UYW"}
