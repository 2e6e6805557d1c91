"""The effect of paying an invoice on its subscription, derived from the facts. Pure; presentation/ has the sentences.

The subscriptions service decides the same when the payment arrives, and lists the begun periods with their amounts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from portal_gateway.domain.view import Period, Subscription

Effect = Literal["starts", "continues", "ends", "settles"]
"""starts: the first payment activates it. continues: it renews as usual. ends: it still ends on its scheduled day. settles: the
debt is paid and nothing else follows.
"""


@dataclass(frozen=True, slots=True)
class Settling:
    """Instants are RFC 3339, as in the view."""

    effect: Effect
    period: Period
    """The invoice's period."""
    owed: bool = True
    """Whether it is a debt: a charge for it has failed."""
    begun: bool = False
    """Whether later periods have begun. They are entered and charged as soon as this one is paid."""
    until: str | None = None
    """When the subscription renews or ends; None if it has ended, or if begun periods decide it."""
    access_until: str | None = None
    """When access ends or has ended without the payment."""
    ended_at: str | None = None
    """When the subscription ended."""


def settling(subscription: Subscription | None, period: Period, now: datetime) -> Settling:
    """`subscription`: None if it has not arrived here. `period`: the invoice's. `now`: the merchant's clock."""
    if subscription is None:
        return Settling("settles", period)
    debt, access_until = subscription["debt"], subscription.get("access_until")
    if subscription["ended_at"]:
        return Settling("settles", period, access_until=access_until, ended_at=subscription["ended_at"])
    if _at(period["start"]) != _at(subscription["current_period"]["start"]):
        return Settling("settles", period)
    if cancellation := subscription["cancellation"]:
        return Settling("ends", period, owed=debt is not None, until=cancellation["effective_at"])
    access_until, over = debt["access_until"] if debt else None, _at(period["end"]) <= now
    if over and subscription["status"] == "unpaid":
        return Settling("settles", period, access_until=access_until)
    effect: Effect = "starts" if subscription["status"] == "incomplete" else "continues"
    until = None if over else period["end"]
    return Settling(effect, period, owed=debt is not None, begun=over, until=until, access_until=access_until)


def _at(instant: str) -> datetime:
    return datetime.fromisoformat(instant)
