"""A subscription in its pane: price, status, what happens next, and what the customer can do."""

from dataclasses import dataclass
from typing import Final

from portal_gateway.application.presentation import price
from portal_gateway.application.presentation.accepted_commands import WITHDRAWAL_PENDING, pending_sentence
from portal_gateway.application.presentation.common import Badge, Reader, Tone, moment
from portal_gateway.application.presentation.notice import has_card, is_running, notice
from portal_gateway.application.presentation.settlement import owed as owed_words
from portal_gateway.application.subscription_status import (
    CANCELLABLE,
    access_ended_before,
    can_be_withdrawn,
    end_of,
    is_unsettled,
    renews,
)
from portal_gateway.application.view import View
from portal_gateway.domain.settlement import settling
from portal_gateway.domain.view import Subscription
from presentation.languages import in_context

TONES: Final[dict[str, Tone]] = {
    "trialing": "good",
    "active": "good",
    "incomplete": "warn",
    "past_due": "bad",
    "unpaid": "bad",
    "paused": "mute",
    "canceled": "mute",
    "incomplete_expired": "mute",
}
BADGES: Final = {
    "trialing": in_context("subscription", "Free trial"),
    "incomplete": in_context("subscription", "Payment due"),
    "incomplete_expired": in_context("subscription", "Not activated"),
    "active": in_context("subscription", "Active"),
    "past_due": in_context("subscription", "Payment due"),
    "unpaid": in_context("subscription", "Payment due"),
    "canceled": in_context("subscription", "Ended"),
    "paused": in_context("subscription", "Paused"),
}
PENDING: Final = in_context("subscription", "Processing")


@dataclass(frozen=True, slots=True)
class Details:
    id: str
    plan: str
    price: str
    """Including tax, with the tax stated separately."""
    unit_price: str | None
    """`2 × 14.99 USD`; None if the quantity is one."""
    says: str
    badge: Badge
    cancel: str | None
    """The label of each button; None if the button is not shown."""
    end_now: str | None
    """For a subscription with a scheduled end."""
    keep: str | None
    edit_method: str | None


def details(reader: Reader, subscription: Subscription, view: View) -> Details:
    reader = reader.of_subscription(subscription)
    plan, quantity = subscription["plan"], subscription["quantity"]
    waiting = pending_sentence(subscription, view)
    return Details(
        id=subscription["id"],
        plan=plan["name"],
        price=price.price(reader, plan, quantity).text,
        unit_price=price.unit_price(reader, plan, quantity),
        says=says(reader, subscription, view),
        badge=badge(reader, subscription, view),
        cancel=reader.say("Cancel subscription") if _can_be_cancelled(subscription) and not waiting else None,
        end_now=reader.say("End immediately") if can_be_withdrawn(subscription, reader.now) and not waiting else None,
        keep=reader.say("Keep my subscription") if can_be_withdrawn(subscription, reader.now) and not waiting else None,
        edit_method=_edit_method(reader, subscription, view),
    )


def _can_be_cancelled(subscription: Subscription) -> bool:
    return subscription["cancellation"] is None and subscription["status"] in CANCELLABLE


def is_kept(subscription: Subscription, view: View) -> bool:
    """Whether it continues: no cancellation is scheduled, or the customer has just withdrawn it."""
    return pending_sentence(subscription, view) == WITHDRAWAL_PENDING or _can_be_cancelled(subscription)


def _edit_method(reader: Reader, subscription: Subscription, view: View) -> str | None:
    """For a first payment, unless a notice leads to it."""
    if subscription["status"] != "incomplete" or notice(reader, subscription, view):
        return None
    return reader.say("Edit payment method") if has_card(view) else reader.say("Add payment method")


def badge(reader: Reader, subscription: Subscription, view: View) -> Badge:
    reader = reader.of_subscription(subscription)
    if pending_sentence(subscription, view):
        return Badge(reader.say(PENDING), "warn", "pending")
    status, ends_at = subscription["status"], end_of(subscription)
    if ends_at and moment(ends_at) > reader.now:
        return Badge(reader.say("Ends on %(day)s", day=reader.near_day(ends_at)), "warn", "ending")
    if ends_at:
        status = "canceled"  # the subscriptions service has not published its end yet
    return Badge(reader.say(BADGES[status]), TONES[status], status)


def says(reader: Reader, subscription: Subscription, view: View) -> str:
    """The sentence under the price."""
    reader = reader.of_subscription(subscription)
    if waiting := pending_sentence(subscription, view):
        return reader.say(waiting)
    status, period, cancellation = subscription["status"], subscription["current_period"], subscription["cancellation"]
    if cancellation and status in CANCELLABLE:
        requested, day = reader.near_day(cancellation["requested_at"]), reader.day(cancellation["effective_at"])
        if moment(cancellation["effective_at"]) <= reader.now:
            return reader.say("You canceled on %(requested)s. Your access ended on %(day)s.", requested=requested, day=day)
        if is_unsettled(subscription, view):
            return reader.say(
                "You canceled on %(requested)s. If the payment being processed goes through, you'll have access until %(day)s; "
                "you won't be charged after that.",
                requested=requested,
                day=day,
            )
        return reader.say(
            "You canceled on %(requested)s. You have access until %(day)s and won't be charged again.",
            requested=requested,
            day=day,
        )
    if status == "trialing":
        then = price.of_subscription(reader, subscription).text
        return reader.say("Free trial until %(day)s; then %(price)s", day=reader.day(period["end"]), price=then)
    if status == "active":
        return reader.say("Your subscription renews on %(day)s", day=reader.day(period["end"]))
    debt = subscription["debt"]
    if status == "past_due" or (status == "unpaid" and debt and is_running(debt, view)):
        return reader.say("Payment for the %(day)s renewal is due.", day=reader.near_day(period["start"]))
    if status == "paused":
        return reader.say("Paused since %(day)s", day=reader.near_day(period["start"]))
    if status == "unpaid":
        owed = reader.money(debt["amount"] if debt else price.of_subscription(reader, subscription).total)
        return owed_words(reader, settling(subscription, period, reader.now), owed, has_card=has_card(view))
    if status == "canceled":
        day, access = reader.day(subscription["ended_at"] or period["end"]), access_ended_before(subscription, reader)
        if access:
            return reader.say(
                "Ended on %(day)s; your access had already ended on %(access)s.", day=day, access=reader.day(access)
            )
        return reader.say("Ended on %(day)s", day=day)
    if status == "incomplete":
        return reader.say("Your first payment hasn't been confirmed yet")
    return reader.say("Your first payment wasn't confirmed, so the subscription wasn't activated.")


def next_invoice(reader: Reader, subscription: Subscription) -> str | None:
    """The day of the next invoice; None if that is not known."""
    end = subscription["current_period"]["end"]
    if subscription["status"] not in ("active", "trialing") or not renews(subscription) or moment(end) <= reader.now:
        return None
    return reader.of_subscription(subscription).day(end)
