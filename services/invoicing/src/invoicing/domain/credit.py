"""What a credit note takes off the lines of an invoice, so that several partial ones sum to the invoice exactly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from invoicing.domain.plan import Period, Tax
from invoicing.domain.totals import Amounts, Line

TaxContained: TypeAlias = Callable[[int, Tax | None], Amounts]
"""(amount with tax, rate) -> its net and its tax, by the calculation of all prices."""


@dataclass(frozen=True, slots=True)
class CreditLine:
    """What is taken off one line, in minor units: negative, `total = net + tax`."""

    line: int
    """Number of the invoice's line, from 1."""
    plan_name: str
    description: str
    period: Period
    net: int
    tax: int
    total: int


def credit_lines(
    lines: Sequence[Line], tax: Tax | None, credited: Sequence[int], amount: int, contained: TaxContained
) -> tuple[CreditLine, ...]:
    """Take `amount` off the lines; `credited` was taken off each before, with tax.

    The amount is divided in proportion to what is left of each line. The net and the tax of a line are those of all that has
    been taken off it so far, less those of earlier credit notes: the last credit note leaves neither.
    """
    shares = largest_remainder(amount, [line.total - before for line, before in zip(lines, credited, strict=True)])
    return tuple(
        _taken_off(number, line, tax, before, before + share, contained)
        for number, (line, before, share) in enumerate(zip(lines, credited, shares, strict=True), 1)
        if share
    )


def credited_after(credited: Sequence[int], lines: Sequence[CreditLine]) -> tuple[int, ...]:
    """What has been taken off each line once these lines have been too."""
    more = {each.line: -each.total for each in lines}
    return tuple(before + more.get(number, 0) for number, before in enumerate(credited, 1))


def _taken_off(number: int, line: Line, tax: Tax | None, before: int, after: int, contained: TaxContained) -> CreditLine:
    taxes = _tax_of(line, tax, after, contained) - _tax_of(line, tax, before, contained)
    total = after - before
    return CreditLine(number, line.plan_name, line.description, line.period, taxes - total, -taxes, -total)


def _tax_of(line: Line, tax: Tax | None, part: int, contained: TaxContained) -> int:
    return line.tax if part == line.total else contained(part, tax).tax


def largest_remainder(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide `amount`, which is at most the sum of the weights, in proportion to them. No share exceeds its weight."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    shares = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda n: (-(amount * weights[n] % whole), n))
    for n in by_remainder[: amount - sum(shares)]:
        shares[n] += 1
    return shares
