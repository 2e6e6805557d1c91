"""The tax of an amount. Every price that is shown and every invoice that is issued is calculated here."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

_WHOLE = 10_000


class Rate(Protocol):
    @property
    def rate_basis_points(self) -> int:
        """2100 is 21 %."""

    @property
    def inclusive(self) -> bool:
        """Whether prices contain it."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Taxed:
    """Minor units of one currency."""

    net: int
    tax: int

    @property
    def total(self) -> int:
        return self.net + self.tax


def tax_in_force(plan: T | None, merchant: T | None) -> T | None:
    """The tax of an invoice issued now: the plan's own, which never changes, before the merchant's."""
    return merchant if plan is None else plan


def taxed(amount: int, rate: Rate | None) -> Taxed:
    """Split an advertised amount (price times quantity, not negative); the tax is rounded half up, once."""
    if rate is None:
        return Taxed(amount, 0)
    if rate.inclusive:
        tax = _half_up(amount * rate.rate_basis_points, _WHOLE + rate.rate_basis_points)
        return Taxed(amount - tax, tax)
    return Taxed(amount, _half_up(amount * rate.rate_basis_points, _WHOLE))


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
