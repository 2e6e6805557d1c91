"""What is owed: lines and their sums, in whole minor units.

A line is rounded once, half up; an invoice's totals are the sums of its lines and are rounded nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .plan import Period, Plan, Tax

_WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """Amounts in minor units of the invoice's currency; `total = net + tax`."""

    plan_name: str
    description: str
    period: Period
    quantity: int
    unit_price: int
    """As advertised: it contains the tax when the tax is inclusive."""
    net: int
    tax: int
    total: int


@dataclass(frozen=True, slots=True)
class Totals:
    net: int
    tax: int
    total: int


def line_of(plan: Plan, quantity: int, period: Period, tax: Tax | None) -> Line:
    net, due = split(plan.price_minor * quantity, tax)
    return Line(plan.name, plan.description, period, quantity, plan.price_minor, net, due, net + due)


def split(amount: int, tax: Tax | None) -> tuple[int, int]:
    """(net, tax) of an advertised amount, not negative, both in minor units."""
    if tax is None:
        return amount, 0
    if tax.inclusive:
        due = _half_up(amount * tax.rate_basis_points, _WHOLE + tax.rate_basis_points)
        return amount - due, due
    return amount, _half_up(amount * tax.rate_basis_points, _WHOLE)


def totals_of(lines: Sequence[Line]) -> Totals:
    return Totals(sum(line.net for line in lines), sum(line.tax for line in lines), sum(line.total for line in lines))


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
