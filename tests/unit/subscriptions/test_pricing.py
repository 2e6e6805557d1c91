from dataclasses import replace

import pytest
from unit.subscriptions.examples import ANA, PREMIUM, ZONE, day, given

from billing_contracts.money import LARGEST_AMOUNT
from subscriptions.adapters.http.refusals import REFUSALS
from subscriptions.application.pricing import objection, period_price
from subscriptions.domain.plan.terms import Money, Plan, Tax
from subscriptions.domain.subscription.commands import Start
from subscriptions.domain.subscription.refusals import AmountTooLarge, CurrencyNotSold

ON_TOP, WITHIN = Tax("IVA", 2100), Tax("IVA", 2100, inclusive=True)


def costing(amount_minor: int, currency: str = "EUR", tax: Tax | None = None) -> Plan:
    return replace(PREMIUM, price=Money(amount_minor, currency), tax=tax)


def started(plan: Plan, quantity: int, tax: Tax | None = None) -> Start:
    return Start(ANA, 1, plan, quantity, ZONE, day(5), day(5), objection(plan, quantity, tax))


def test_a_period_costs_what_its_invoice_will_say() -> None:
    assert period_price(costing(2999), 1, None) == Money(2999, "EUR")
    assert period_price(costing(2999), 1, ON_TOP) == Money(3629, "EUR")
    assert period_price(costing(2999, tax=ON_TOP), 3, WITHIN) == Money(10886, "EUR")
    assert period_price(costing(2999, tax=WITHIN), 3, ON_TOP) == Money(8997, "EUR")
    assert period_price(costing(2999, tax=Tax("Exento", 0)), 1, ON_TOP) == Money(2999, "EUR")


@pytest.mark.parametrize(
    ("price", "quantity", "tax"),
    [
        (LARGEST_AMOUNT, 1, None),
        (LARGEST_AMOUNT, 1, WITHIN),
        (999_999_999_999, 9_007, None),
        (999_999_999_999, 7_443, ON_TOP),
        (99_999_999_999, 45_035, Tax("Doble", 10_000)),
    ],
)
def test_amounts_within_the_limit_can_be_sold(price: int, quantity: int, tax: Tax | None) -> None:
    assert period_price(costing(price), quantity, tax).amount_minor < 2**53
    assert objection(costing(price), quantity, tax) is None


@pytest.mark.parametrize(
    ("price", "quantity", "tax"),
    [
        (LARGEST_AMOUNT + 1, 1, None),
        (LARGEST_AMOUNT, 1, ON_TOP),
        (999_999_999_999, 9_008, None),
        (999_999_999_999, 7_445, ON_TOP),
        (999_999_999_999, 100_000, None),
    ],
)
def test_larger_amounts_are_refused_with_the_limit(price: int, quantity: int, tax: Tax | None) -> None:
    assert period_price(costing(price), quantity, tax).amount_minor >= 2**53
    given().when(started(costing(price), quantity, tax)).refused(AmountTooLarge)
    status, code, title = REFUSALS[AmountTooLarge]
    assert (status, code) == (422, "amount_too_large")
    assert str(LARGEST_AMOUNT) in title


@pytest.mark.parametrize("currency", ["XXX", "ZZZ", "XAU", "MXV", "HRK"])
def test_an_old_plan_without_a_valid_currency_cannot_be_sold(currency: str) -> None:
    given().when(started(costing(2999, currency), 1)).refused(CurrencyNotSold)
