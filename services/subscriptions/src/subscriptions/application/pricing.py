"""The price of a period, and the limits of prices. Pure."""

from billing_contracts.money import LARGEST_AMOUNT, is_monetary
from billing_contracts.tax import tax_in_force, taxed
from subscriptions.domain.plan.terms import Money, Plan, Tax
from subscriptions.domain.subscription.refusals import AmountTooLarge, CurrencyNotSold, Refusal


def period_price(plan: Plan, quantity: int, merchant_tax: Tax | None) -> Money:
    """The total of an invoice issued now, with the tax in force."""
    advertised = plan.price.times(quantity)
    return Money(taxed(advertised.amount_minor, tax_in_force(plan.tax, merchant_tax)).total, advertised.currency)


def objection(plan: Plan, quantity: int, merchant_tax: Tax | None) -> Refusal | None:
    """The reason why a subscription cannot start at this price. An old plan may have a code that is not a currency."""
    if not is_monetary(plan.price.currency):
        return CurrencyNotSold()
    advertised = plan.price.times(quantity).amount_minor
    return AmountTooLarge() if is_too_large(advertised, tax_in_force(plan.tax, merchant_tax)) else None


def is_too_large(advertised: int, tax: Tax | None) -> bool:
    """Whether the price times quantity exceeds the largest amount, with the tax."""
    return taxed(advertised, tax).total > LARGEST_AMOUNT
