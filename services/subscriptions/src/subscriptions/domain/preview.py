"""Previews a cancellation: takes the decision without storing it."""

from dataclasses import dataclass
from datetime import datetime

from subscriptions.domain.dunning import CancelMode, OpenInvoices
from subscriptions.domain.plan.terms import Money
from subscriptions.domain.subscription.commands import Cancel
from subscriptions.domain.subscription.events import CancellationScheduled, Cancelled
from subscriptions.domain.subscription.subscription import Subscription, cancel, evolve, living


@dataclass(frozen=True, slots=True)
class Preview:
    mode: CancelMode
    effective_at: datetime
    access_until: datetime
    """Earlier than `effective_at` if access has ended already."""
    open_amount: Money | None = None
    """The unpaid amount."""
    open_invoices: OpenInvoices | None = None
    """What happens to the unpaid invoice; None if nothing ends yet."""
    paid_until: datetime | None = None
    """The end of the paid time that the customer loses; it is not refunded."""


def preview(command: Cancel, it: Subscription | None, price: Money) -> Preview:
    """`price` is the price of a period with its tax. Raises the refusals of a cancellation."""
    it = living(it)
    decided = next(iter(cancel(command, it)), it.ending)
    unpaid = open_amount(it, price)
    if isinstance(decided, CancellationScheduled):
        return Preview("at_period_end", decided.effective_at, evolve(it, decided).access_until, unpaid)
    assert isinstance(decided, Cancelled), "a cancellation either is scheduled or takes effect"
    given_up = it.period.end if it.paid and it.period.end > decided.effective_at else None
    what_becomes = decided.open_invoices if unpaid else None
    access = evolve(it, decided).access_until
    return Preview("immediately", decided.effective_at, access, unpaid, what_becomes, given_up)


def open_amount(it: Subscription, price: Money) -> Money | None:
    if it.debt is not None:
        return it.debt.amount
    return None if it.paid else price
