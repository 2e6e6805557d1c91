"""What a period of a subscription costs, and what can be sold at all. Pure."""

from billing_contracts.money import LARGEST_AMOUNT, is_monetary
from billing_contracts.tax import tax_in_force, taxed
from subscriptions.domain.plan.terms import Money, Plan, Tax
from subscriptions.domain.subscription.refusals import AmountTooLarge, CurrencyNotSold, Refusal


def period_price(plan: Plan, quantity: int, merchant_tax: Tax | None) -> Money:
    """As an invoice issued now: the tax in force is included."""
    advertised = plan.price.times(quantity)
    return Money(taxed(advertised.amount_minor, tax_in_force(plan.tax, merchant_tax)).total, advertised.currency)


def objection(plan: Plan, quantity: int, merchant_tax: Tax | None) -> Refusal | None:
    """Why a subscription cannot start on these terms. Plans published earlier may be in a code that is no currency."""
    if not is_monetary(plan.price.currency):
        return CurrencyNotSold()
    advertised = plan.price.times(quantity).amount_minor
    return AmountTooLarge() if is_too_large(advertised, tax_in_force(plan.tax, merchant_tax)) else None


def is_too_large(advertised: int, tax: Tax | None) -> bool:
    """Whether a period of that price times quantity would cost too much with the tax."""
    return taxed(advertised, tax).total > LARGEST_AMOUNT
