"""What a payment of the unpaid period would do, before it is made: the rules themselves decide it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from subscriptions.domain.period import Period
from subscriptions.domain.subscription.commands import ReachBoundary, RecordPaid
from subscriptions.domain.subscription.events import RenewalDue, Renewed
from subscriptions.domain.subscription.subscription import Subscription, evolve, reach_boundary, record_paid

_UNKNOWN = UUID(int=0)
"""Stands for the invoice where no event has named it yet: nothing depends on it."""


class Effect(StrEnum):
    """What becomes of the subscription."""

    STARTS = "starts"
    """Its first payment: it becomes active."""
    CONTINUES = "continues"
    ENDS = "ends"
    """It ends on the day for which its cancellation is scheduled."""
    SETTLES = "settles"
    """The debt is paid, and nothing else follows: it is over."""


@dataclass(frozen=True, slots=True)
class Settlement:
    effect: Effect
    period: Period
    """The unpaid one."""
    begun: tuple[Period, ...]
    """Periods that have begun since: each is entered, and charged, as soon as the one before is paid."""
    more: bool
    """Whether still more have begun than are listed."""
    until: datetime | None
    """When it renews or ends; None when it is over."""


def preview_settlement(it: Subscription, at: datetime, most: int) -> Settlement | None:
    """What a payment agreed to at `at` does; lists `most` begun periods at most. None when the subscription owes nothing."""
    invoice_id = it.debt.invoice_id if it.debt else _UNKNOWN
    after, begun = it, list[Period]()
    for event in record_paid(RecordPaid(it.period, invoice_id, at), it):
        after = evolve(after, event)
    if after == it:
        return None
    while (entered := reach_boundary(ReachBoundary(1, at), after)) and len(begun) <= most:
        for event in entered:
            after = evolve(after, event)
            if isinstance(event, RenewalDue):
                begun.append(event.period)
                after = evolve(after, Renewed(invoice_id, at))
    effect = _effect(it, after)
    until = it.ending.effective_at if it.ending else None if after.ended else after.period.end
    return Settlement(effect, it.period, tuple(begun[:most]), len(begun) > most, until)


def _effect(before: Subscription, after: Subscription) -> Effect:
    if before.ending:
        return Effect.ENDS
    if after.ended:
        return Effect.SETTLES
    given_up = before.debt is not None and before.debt.given_up
    return Effect.CONTINUES if before.ever_paid or given_up else Effect.STARTS
