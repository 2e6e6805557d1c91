from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given as every
from hypothesis import strategies as st
from unit.invoicing.examples import MAY, PREMIUM

from invoicing.domain.plan import Tax
from invoicing.domain.totals import line_of, split, totals_of

RATES = st.integers(0, 10_000)
PRICES = st.integers(0, 10**13)


@pytest.mark.parametrize(
    ("amount", "rate", "inclusive", "expected"),
    [
        (2999, 1600, True, (2585, 414)),
        (2999, 1600, False, (2999, 480)),
        (50, 100, False, (50, 1)),  # half a cent goes up
        (49, 100, False, (49, 0)),
        (1, 10_000, True, (0, 1)),
        (0, 2100, True, (0, 0)),
    ],
)
def test_tax_is_rounded_half_up(amount: int, rate: int, inclusive: bool, expected: tuple[int, int]) -> None:
    assert split(amount, Tax("IVA", rate, inclusive)) == expected


def test_without_a_rate_there_is_no_tax() -> None:
    assert split(2999, None) == (2999, 0)


@every(PRICES, RATES)
def test_tax_on_top_is_what_decimal_arithmetic_says(amount: int, rate: int) -> None:
    exact = Decimal(amount) * rate / 10_000
    assert split(amount, Tax("IVA", rate)) == (amount, int(exact.quantize(Decimal(1), ROUND_HALF_UP)))


@every(PRICES, RATES)
def test_a_price_that_contains_its_tax_stays_what_was_advertised(amount: int, rate: int) -> None:
    net, tax = split(amount, Tax("IVA", rate, inclusive=True))
    assert net + tax == amount
    assert min(net, tax) >= 0
    assert abs(tax * 10_000 - net * rate) <= 10_000 + rate


@every(st.lists(st.tuples(PRICES, st.integers(1, 1000), RATES, st.booleans()), min_size=1, max_size=20))
def test_totals_are_the_sums_of_the_lines(sold: list[tuple[int, int, int, bool]]) -> None:
    lines = [line_of(replace(PREMIUM, price_minor=p), n, MAY, Tax("IVA", rate, inclusive)) for p, n, rate, inclusive in sold]
    totals = totals_of(lines)
    assert all(line.total == line.net + line.tax for line in lines)
    assert (totals.net, totals.tax) == (sum(line.net for line in lines), sum(line.tax for line in lines))
    assert totals.total == totals.net + totals.tax
