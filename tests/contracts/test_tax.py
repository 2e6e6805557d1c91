"""The tax of an amount."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given as every
from hypothesis import strategies as st

from billing_contracts.shapes import Tax
from billing_contracts.tax import Taxed, tax_in_force, taxed

RATES = st.integers(0, 10_000)
AMOUNTS = st.integers(0, 10**13)


def tax(rate: int, inclusive: bool = False) -> Tax:
    return Tax(name="IVA", rate_basis_points=rate, inclusive=inclusive)


@pytest.mark.parametrize(
    ("amount", "rate", "inclusive", "expected"),
    [
        (2999, 1600, True, (2585, 414)),
        (2999, 1600, False, (2999, 480)),
        (2999, 2100, False, (2999, 630)),
        (50, 100, False, (50, 1)),  # half a cent goes up
        (49, 100, False, (49, 0)),
        (1, 10_000, True, (0, 1)),
        (0, 2100, True, (0, 0)),
    ],
)
def test_tax_is_rounded_half_up(amount: int, rate: int, inclusive: bool, expected: tuple[int, int]) -> None:
    assert taxed(amount, tax(rate, inclusive)) == Taxed(*expected)


def test_without_a_rate_there_is_no_tax() -> None:
    assert taxed(2999, None) == Taxed(2999, 0)


def test_a_plans_tax_takes_precedence_over_its_merchants() -> None:
    none = tax(0)
    assert tax_in_force(none, tax(2100)) is none
    assert tax_in_force(None, tax(2100)) == tax(2100)
    assert tax_in_force(None, None) is None


@every(AMOUNTS, RATES)
def test_exclusive_tax_matches_decimal_arithmetic(amount: int, rate: int) -> None:
    exact = Decimal(amount) * rate / 10_000
    assert taxed(amount, tax(rate)) == Taxed(amount, int(exact.quantize(Decimal(1), ROUND_HALF_UP)))


@every(AMOUNTS, RATES)
def test_an_inclusive_price_stays_as_advertised(amount: int, rate: int) -> None:
    taxed_amount = taxed(amount, tax(rate, inclusive=True))
    assert taxed_amount.total == amount
    assert min(taxed_amount.net, taxed_amount.tax) >= 0
    assert abs(taxed_amount.tax * 10_000 - taxed_amount.net * rate) <= 10_000 + rate
