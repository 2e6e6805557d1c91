"""All that a confirmation would charge: what is owed, and the periods that have begun and are entered once it is paid."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

from payments.application.ports import Clock
from payments.domain.confirmation import Confirmation, Confirmed, Period
from payments.domain.shapes import Money

MOST_BEGUN = 500
"""Begun periods that one confirmation covers at most, over all of a customer's subscriptions."""


@dataclass(frozen=True, slots=True)
class Due:
    """One charge: of an open invoice, or of a begun period. The invoice of that one is issued when the one before is paid."""

    invoice_id: UUID
    number: str | None
    """None before the invoice is issued."""
    amount: Money
    subscription_id: UUID | None = None
    """None in set-ups that an earlier version opened."""
    period: Period | None = None
    effect: str | None = None
    """What paying the open invoice does to its subscription: starts, continues, ends, settles. None where it is not known."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a payment of a subscription's unpaid period does, as the owner of subscriptions says."""

    subscription_id: UUID
    invoice_id: UUID
    effect: str
    begun: tuple[Due, ...]
    more: bool
    """Whether still more periods have begun than are listed."""


@dataclass(frozen=True, slots=True)
class Outlook:
    at: datetime
    """By the merchant's clock, as its owner has it."""
    prospects: tuple[Prospect, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """What a confirmation would charge, at one instant."""

    at: datetime
    due: tuple[Due, ...]
    more: bool = False
    """Whether further periods have begun, for which another confirmation will be needed."""

    def of(self, invoice_id: UUID) -> "Listed":
        """What paying this invoice alone charges."""
        paid = next((each for each in self.due if each.invoice_id == invoice_id), None)
        if paid is None:
            return replace(self, due=(), more=False)
        follows = (each for each in self.due if each.number is None and each.subscription_id == paid.subscription_id)
        return replace(self, due=(paid, *follows))

    def chosen(self, invoice_ids: Iterable[UUID]) -> tuple[Due, ...] | None:
        """The lines that are to be charged; None when these cannot be paid without others, or are not listed."""
        wanted = set(invoice_ids)
        chosen = tuple(each for each in self.due if each.invoice_id in wanted)
        paid = {each.subscription_id for each in chosen if each.number is not None}
        needed = {each.invoice_id for each in self.due if each.number is None and each.subscription_id in paid}
        begun = {each.invoice_id for each in chosen if each.number is None}
        return chosen if len(chosen) == len(wanted) and begun == needed else None


class OpenInvoices(Protocol):
    async def due(self, merchant_id: UUID, customer_id: UUID) -> tuple[Due, ...]:
        """What the customer owes now, oldest first: issued, not paid, neither voided nor given up."""
        ...


class Outlooks(Protocol):
    async def of(self, merchant_id: UUID, customer_id: UUID) -> Outlook | None:
        """None while the owner of subscriptions cannot be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Dues:
    invoices: OpenInvoices
    outlooks: Outlooks
    clock: Clock

    async def of(self, merchant_id: UUID, customer_id: UUID) -> Listed:
        """While subscriptions cannot be asked, open invoices are listed alone, and nothing else is charged because of that."""
        owed = await self.invoices.due(merchant_id, customer_id)
        outlook = await self.outlooks.of(merchant_id, customer_id) if owed else None
        if outlook is None:
            return Listed(await self.clock.now(merchant_id), owed)
        prospects = {each.invoice_id: each for each in outlook.prospects}
        due, begun, more = list[Due](), 0, False
        for each in owed:
            prospect = prospects.get(each.invoice_id)
            due.append(replace(each, effect=prospect.effect if prospect else "settles"))
            if prospect:
                follows = prospect.begun[: MOST_BEGUN - begun]
                due += follows
                begun += len(follows)
                more = more or prospect.more or len(follows) < len(prospect.begun)
        return Listed(outlook.at, tuple(due), more)


def totals(due: Sequence[Due]) -> tuple[Money, ...]:
    """One sum for each currency, in the order in which they come up."""
    sums: dict[str, int] = {}
    for each in due:
        sums[each.amount.currency] = sums.get(each.amount.currency, 0) + each.amount.amount_minor
    return tuple(Money(minor, currency) for currency, minor in sums.items())


def confirmation(at: datetime, due: Sequence[Due], method_id: UUID | None = None) -> Confirmation | None:
    """What is stored with the command; None when nothing is charged."""
    lines = tuple(
        Confirmed(each.invoice_id, each.subscription_id, each.amount, each.period) for each in due if each.subscription_id
    )
    return Confirmation(uuid4(), at, lines, method_id) if lines else None
