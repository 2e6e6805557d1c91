"""Lines and their sums, in whole minor units. Totals are the sums of the lines, without rounding."""

from collections.abc import Sequence
from dataclasses import dataclass

from invoicing.domain.plan import Period, Plan, Tax


@dataclass(frozen=True, slots=True)
class Amounts:
    """The amounts of a line."""

    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class Line:
    """Amounts in minor units of the invoice's currency; `total = net + tax`."""

    plan_name: str
    description: str
    period: Period
    quantity: int
    unit_price: int
    """The advertised price. It contains the tax if the tax is inclusive."""
    net: int
    tax: int
    total: int


@dataclass(frozen=True, slots=True)
class Totals:
    net: int
    tax: int
    total: int


def line_of(plan: Plan, quantity: int, period: Period, amounts: Amounts) -> Line:
    total = amounts.net + amounts.tax
    return Line(plan.name, plan.description, period, quantity, plan.price_minor, amounts.net, amounts.tax, total)


def fits(line: Line, tax: Tax | None) -> bool:
    """Whether the amounts match the advertised price: the total for an inclusive price, otherwise the net."""
    advertised = line.unit_price * line.quantity
    if tax is not None and tax.inclusive:
        return line.total == advertised and 0 <= line.tax <= line.total
    return line.net == advertised and (line.tax >= 0 if tax else line.tax == 0)


def totals_of(lines: Sequence[Line]) -> Totals:
    return Totals(sum(line.net for line in lines), sum(line.tax for line in lines), sum(line.total for line in lines))
