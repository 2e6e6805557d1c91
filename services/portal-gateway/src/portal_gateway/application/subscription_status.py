"""What a subscription's facts imply: whether it renews, when it ends, whether an amount is owed."""

from datetime import datetime
from typing import Final

from portal_gateway.application.presentation.common import Reader, moment
from portal_gateway.application.view import View
from portal_gateway.domain.view import Subscription

CANCELLABLE: Final = frozenset({"trialing", "active", "past_due", "incomplete", "unpaid", "paused"})
"""Statuses in which a subscription can be cancelled."""
OWING: Final = frozenset({"incomplete", "past_due", "unpaid"})


def renews(subscription: Subscription) -> bool:
    """Whether it will be charged again."""
    return subscription["status"] in CANCELLABLE and subscription["cancellation"] is None


def end_of(subscription: Subscription) -> str | None:
    """The scheduled end, which may have passed already."""
    cancellation = subscription["cancellation"]
    return cancellation["effective_at"] if cancellation and subscription["status"] in CANCELLABLE else None


def can_be_withdrawn(subscription: Subscription, now: datetime) -> bool:
    """Whether its cancellation can be withdrawn: until the scheduled end, even if the end's event has not arrived yet."""
    ends_at = end_of(subscription)
    return ends_at is not None and moment(ends_at) > now


def access_ended_before(subscription: Subscription, reader: Reader) -> str | None:
    """When access ended, if that was on an earlier day than the subscription's end."""
    access, ended_at = subscription.get("access_until"), subscription["ended_at"]
    return access if access and ended_at and reader.date(access) < reader.date(ended_at) else None


def is_unsettled(subscription: Subscription, view: View) -> bool:
    """Whether the payment of the current period is still undecided."""
    if subscription["status"] == "incomplete":
        return True
    start = moment(subscription["current_period"]["start"])
    rows = (row for row in view.facts["invoices"] if row["subscription_id"] == subscription["id"])
    return any(moment(row["period"]["start"]) == start and row["status"] in ("open", "processing", "failed") for row in rows)


def owes(subscription: Subscription) -> bool:
    """Whether an amount is unpaid, also after the subscription's end."""
    return subscription["status"] in OWING or bool(subscription["ended_at"] and subscription["debt"])
