"""The switcher between a customer's subscriptions."""

from dataclasses import dataclass

from portal_gateway.application.presentation.common import Badge, Reader
from portal_gateway.application.presentation.details import badge
from portal_gateway.application.view import View
from portal_gateway.domain.view import Subscription


@dataclass(frozen=True, slots=True)
class Choice:
    """One subscription in the switcher."""

    id: str
    plan: str
    since: str | None
    """When it started; None unless another subscription has a plan of the same name."""
    badge: Badge
    chosen: bool


def choices(reader: Reader, subscriptions: list[Subscription], chosen: Subscription | None, view: View) -> list[Choice]:
    names = [it["plan"]["name"] for it in subscriptions]

    def since(it: Subscription) -> str | None:
        day = reader.language.short_day(reader.of_subscription(it).date(it["started_at"]))
        return reader.say("Since %(day)s", day=day) if names.count(it["plan"]["name"]) > 1 else None

    return [Choice(it["id"], it["plan"]["name"], since(it), badge(reader, it, view), it is chosen) for it in subscriptions]
