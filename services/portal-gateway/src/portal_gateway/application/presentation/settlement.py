"""The effect of a payment, before and after it. Pane, dialog, button, result and JSON API use the same sentences."""

from collections.abc import Mapping
from typing import Any

from portal_gateway.application.presentation.common import Reader, moment
from portal_gateway.application.subscription_status import access_ended_before
from portal_gateway.domain.settlement import Settling
from portal_gateway.domain.view import Period, Subscription


def before(reader: Reader, it: Settling) -> str:
    """What the payment settles, and its effect on the subscription."""
    return " ".join(part for part in (_settles(reader, it), _follows(reader, it)) if part)


def owed(reader: Reader, it: Settling, amount: str, *, has_card: bool) -> str:
    """The sentence for a subscription after its last retry."""
    if it.effect == "settles":
        return reader.say("You owe %(amount)s. Paying it doesn't restart the subscription.", amount=amount)
    if has_card:
        return reader.say("You owe %(amount)s. Update your card to pay it and keep your subscription.", amount=amount)
    return reader.say("You owe %(amount)s. Add a card to pay it and keep your subscription.", amount=amount)


def after(reader: Reader, invoice: Mapping[str, Any], subscription: Subscription | None) -> str | None:
    """The effect of the payment of `invoice` (id, status, period); None while it is not known."""
    if invoice["status"] != "paid":
        return None
    reader = reader.of_subscription(subscription) if subscription else reader
    settled = reader.say("This payment covered the amount due for %(period)s.", period=span(reader, invoice["period"]))
    effect = _effect_on(reader, invoice, subscription) if subscription else ""
    return None if effect is None else f"{settled} {effect}".strip()


def span(reader: Reader, period: Period) -> str:
    """`14 de junio – 13 de julio`"""
    return reader.near_period(period["start"], period["end"])


def _settles(reader: Reader, it: Settling) -> str:
    period = span(reader, it.period)
    if it.begun:
        return reader.say(
            "This payment covers the amount due for %(period)s and for the periods that have started since.", period=period
        )
    if it.owed:
        return reader.say("This payment covers the amount due for %(period)s.", period=period)
    return reader.say("This payment is for %(period)s.", period=period)


def _follows(reader: Reader, it: Settling) -> str:
    match it.effect:
        case "settles":
            return _over(reader, it)
        case "ends":
            assert it.until, "a scheduled end has a day"
            day = reader.near_day(it.until)
            if moment(it.until) <= reader.now:
                return reader.say("Your subscription ended on %(day)s; paying doesn't restart it.", day=day)
            return reader.say("Your subscription still ends on %(day)s.", day=day)
        case "starts":
            if it.until is None:
                return reader.say("Your subscription becomes active.")
            return reader.say("Your subscription becomes active and renews on %(day)s.", day=reader.near_day(it.until))
    access_ended = it.access_until is not None and moment(it.access_until) <= reader.now
    if it.until is None:
        continues = reader.say("You get your access back and your subscription continues.")
        return continues if access_ended else reader.say("Your subscription continues.")
    day = reader.near_day(it.until)
    if access_ended:
        return reader.say("You get your access back and your subscription renews on %(day)s.", day=day)
    return reader.say("Your subscription continues and renews on %(day)s.", day=day)


def _over(reader: Reader, it: Settling) -> str:
    access = it.access_until
    if access and moment(access) <= reader.now and (it.ended_at is None or reader.date(access) < reader.date(it.ended_at)):
        day = reader.near_day(access)
        return reader.say("Your access ended on %(day)s; paying doesn't restart the subscription.", day=day)
    if it.ended_at:
        return reader.say("Your subscription ended on %(day)s; paying doesn't restart it.", day=reader.near_day(it.ended_at))
    return ""


def _effect_on(reader: Reader, invoice: Mapping[str, Any], subscription: Subscription) -> str | None:
    """None while the subscription does not reflect the payment."""
    status, cancellation, debt = subscription["status"], subscription["cancellation"], subscription["debt"]
    if debt and debt["invoice_id"] == invoice["id"]:
        return None
    if ended_at := subscription["ended_at"]:
        if access := access_ended_before(subscription, reader):
            day = reader.near_day(access)
            return reader.say("Your access ended on %(day)s; the subscription wasn't restarted.", day=day)
        return reader.say("Your subscription ended on %(day)s and wasn't restarted.", day=reader.near_day(ended_at))
    if cancellation:
        return reader.say("Your subscription still ends on %(day)s.", day=reader.near_day(cancellation["effective_at"]))
    if debt:
        return reader.say("Payment for a later period is still due.")
    if status == "incomplete":
        return None
    end = subscription["current_period"]["end"]
    if moment(end) <= reader.now:
        return reader.say("Your subscription is active; we're charging the periods that have started since.")
    return reader.say("Your subscription is active and renews on %(day)s.", day=reader.near_day(end))
