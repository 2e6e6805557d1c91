"""Amounts in Stripe's units. They differ from ISO 4217's minor units in a few currencies."""

from billing_contracts.money import EXPONENTS
from payments.domain.shapes import Money

_WHOLE_UNITS = frozenset({"MGA"})
"""Stripe counts whole units, ISO 4217 hundredths."""
_HUNDREDTHS = frozenset({"ISK", "UGX"})
"""Stripe counts hundredths, always a multiple of 100. ISO 4217 counts whole units."""
_MULTIPLES_OF_TEN = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Thousandths, and Stripe accepts only those that end in 0."""
_UNSUPPORTED = frozenset({"IQD", "LYD", "UYI"})
_EXPONENT_MAX = 3


class NotChargeable(Exception):
    """Stripe cannot charge exactly this amount in this currency."""


def to_stripe(money: Money) -> int:
    """The amount in Stripe's units. Raises NotChargeable: no amount is rounded."""
    currency, amount = money.currency, money.amount_minor
    # EXPONENTS has the currencies of ISO 4217. Without an exponent, the amount could be understood differently.
    if currency in _UNSUPPORTED or EXPONENTS.get(currency, _EXPONENT_MAX + 1) > _EXPONENT_MAX:
        raise NotChargeable("currency_not_supported")
    if currency in _HUNDREDTHS:
        return amount * 100
    if currency in _WHOLE_UNITS:
        amount, rest = divmod(amount, 100)
    else:
        rest = amount % 10 if currency in _MULTIPLES_OF_TEN else 0
    if rest:
        raise NotChargeable("amount_not_divisible")
    return amount


def from_stripe(amount: int, currency: str) -> Money:
    """The amount in ISO 4217's minor units. `currency` in any case. Raises ValueError for a fraction of a minor unit."""
    currency = currency.upper()
    if currency in _HUNDREDTHS:
        amount, rest = divmod(amount, 100)
        if rest:
            raise ValueError(f"an amount with a fraction of {currency}")
    return Money(amount * 100 if currency in _WHOLE_UNITS else amount, currency)
