"""The charges that a confirmation would cause."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from payments.domain.confirmation import Period
from payments.domain.shapes import Money


@dataclass(frozen=True, slots=True)
class Due:
    """One charge: of an open invoice, or of a period that has begun.

    The invoice of such a period is issued when the previous invoice is paid.
    """

    invoice_id: UUID
    number: str | None
    """None before the invoice is issued."""
    amount: Money
    subscription_id: UUID | None = None
    """None in set-ups that an earlier version opened."""
    period: Period | None = None
    effect: str | None = None
    """Effect of the payment on the subscription: starts, continues, ends, settles. None if unknown."""


@dataclass(frozen=True, slots=True)
class DueList:
    """The charges that a confirmation would cause, at one instant."""

    at: datetime
    due: tuple[Due, ...]
    more: bool = False
    """Whether further periods have begun, which need another confirmation."""

    def of(self, invoice_id: UUID) -> "DueList":
        """The charges of paying only this invoice."""
        paid = next((each for each in self.due if each.invoice_id == invoice_id), None)
        if paid is None:
            return replace(self, due=(), more=False)
        follows = (each for each in self.due if each.number is None and each.subscription_id == paid.subscription_id)
        return replace(self, due=(paid, *follows))

    def chosen(self, invoice_ids: Iterable[UUID]) -> tuple[Due, ...] | None:
        """The lines to charge. None if an id is not listed, or cannot be paid without others."""
        ids = set(invoice_ids)
        chosen = tuple(each for each in self.due if each.invoice_id in ids)
        paid = {each.subscription_id for each in chosen if each.number is not None}
        needed = {each.invoice_id for each in self.due if each.number is None and each.subscription_id in paid}
        begun = {each.invoice_id for each in chosen if each.number is None}
        return chosen if len(chosen) == len(ids) and begun == needed else None


def totals(due: Sequence[Due]) -> tuple[Money, ...]:
    """One sum for each currency, in the order of the lines."""
    sums: dict[str, int] = {}
    for each in due:
        sums[each.amount.currency] = sums.get(each.amount.currency, 0) + each.amount.amount_minor
    return tuple(Money(minor, currency) for currency, minor in sums.items())
