"""What a cancellation would do, before anybody confirms it: the rules themselves are asked."""

from dataclasses import dataclass
from datetime import datetime

from .commands import Cancel
from .dunning import CancelMode, OpenInvoices
from .events import CancellationScheduled, Cancelled
from .plan import Money, Tax
from .subscription import Subscription, cancel, living


@dataclass(frozen=True, slots=True)
class Preview:
    mode: CancelMode
    effective_at: datetime
    access_until: datetime
    open_amount: Money | None = None
    """What is unpaid when it takes effect."""
    open_invoices: OpenInvoices | None = None
    """What becomes of that."""


def preview(command: Cancel, it: Subscription | None, tax: Tax | None) -> Preview:
    """`tax` is the one the plan's price is subject to. Raises the refusals of cancelling."""
    it = living(it)
    decided = next(iter(cancel(command, it)), it.ending)
    if isinstance(decided, CancellationScheduled):
        return Preview("at_period_end", decided.effective_at, decided.effective_at)
    assert isinstance(decided, Cancelled), "a living subscription that does not end can be cancelled"
    unpaid = open_amount(it, tax)
    what_becomes = decided.open_invoices if unpaid else None
    return Preview("immediately", decided.effective_at, decided.effective_at, unpaid, what_becomes)


def open_amount(it: Subscription, tax: Tax | None) -> Money | None:
    if it.debt is not None:
        return it.debt.amount
    if it.paid:
        return None
    net = it.plan.price.times(it.quantity)
    return tax.on_top_of(net) if tax else net
