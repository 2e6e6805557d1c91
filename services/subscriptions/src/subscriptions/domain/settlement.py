"""Previews the payment of an unpaid period by the rules of the subscription."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from subscriptions.domain.period import Period
from subscriptions.domain.subscription.commands import ReachBoundary, RecordPaid
from subscriptions.domain.subscription.events import RenewalDue, Renewed
from subscriptions.domain.subscription.subscription import Subscription, evolve, reach_boundary, record_paid

_UNKNOWN = UUID(int=0)
"""Placeholder for an invoice that no event has named yet. No rule depends on it."""


class Effect(StrEnum):
    """The effect on the subscription."""

    STARTS = "starts"
    """The first payment: the subscription becomes active."""
    CONTINUES = "continues"
    ENDS = "ends"
    """It ends on the scheduled day of its cancellation."""
    SETTLES = "settles"
    """The debt is paid and the subscription has ended."""


@dataclass(frozen=True, slots=True)
class Settlement:
    effect: Effect
    period: Period
    """The unpaid period."""
    begun: tuple[Period, ...]
    """Periods that have begun since. Each is entered and charged as soon as the previous one is paid."""
    more: bool
    """Whether more periods have begun than are listed."""
    until: datetime | None
    """When the subscription renews or ends; None if it has ended."""


def preview_settlement(it: Subscription, at: datetime, most: int) -> Settlement | None:
    """The effect of a payment that is confirmed at `at`, with at most `most` begun periods. None if nothing is owed."""
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
