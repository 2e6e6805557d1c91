"""Amounts of money: whole minor units and an ISO 4217 code. No float anywhere."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StrictInt, StringConstraints

from billing_contracts.currencies import MONETARY, OTHERS

EXPONENTS: dict[str, int] = MONETARY | OTHERS
"""ISO 4217's number of decimals of each code that has one."""

LARGEST_AMOUNT = 2**53 - 1
"""In minor units: what a period may cost at most, its tax included. Every JSON reader holds integers up to here exactly."""

Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]


def is_monetary(currency: str) -> bool:
    """Whether a price may be in it: not a fund, a metal, a unit of account or a code for tests."""
    return currency in MONETARY


def exponent(currency: str) -> int:
    """How many decimals the currency's amounts are written with: 2 for USD, 0 for JPY, 3 for KWD, 4 for CLF.

    2 for a code that is not in ISO 4217 (any more): older plans may have one, and stay readable.
    """
    return EXPONENTS.get(currency, 2)


class Money(BaseModel):
    """An amount of money in whole minor units of its currency. Amounts of different currencies are never added."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    amount_minor: StrictInt
    """Amount in the currency's smallest unit, an integer: 2999 is 29.99 USD, 2999 JPY or 2.999 KWD."""
    currency: Currency
    """ISO 4217 code. It decides how many decimals the amount has."""

    def decimal(self) -> str:
        """`29.99`, `1234` (JPY), `1.234` (KWD): a point, no grouping."""
        digits = exponent(self.currency)
        sign, whole = "-" if self.amount_minor < 0 else "", str(abs(self.amount_minor)).rjust(digits + 1, "0")
        return sign + (f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole)
