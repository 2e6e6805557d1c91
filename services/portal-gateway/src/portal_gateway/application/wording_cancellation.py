"""Cancelling in words: what it does, before and after."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing_contracts.subscriptions import Feedback
from portal_gateway.application.answers import CancellationPreview, View
from portal_gateway.application.wording import Reader, moment
from portal_gateway.application.wording_subscription import on_its_way
from portal_gateway.domain.view import Subscription

COMMENT_LIMIT: Final = 500


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str


def facts(reader: Reader, preview: CancellationPreview, currency: str) -> list[Fact]:
    """What ends, until when access lasts, and what becomes of what is owed."""
    at_once = moment(preview["effective_at"]) <= reader.now
    ends = reader.say("cancel_at_once") if at_once else reader.day(preview["effective_at"])
    owed = preview["open_amount"]
    balance = reader.money(owed or {"amount_minor": 0, "currency": currency})
    if owed and owed["amount_minor"] and preview["open_invoices"]:
        balance = reader.say(f"cancel_balance_{preview['open_invoices']}", amount=balance)
    access = [] if at_once else [Fact(reader.say("cancel_access"), reader.day(preview["access_until"]))]
    return [
        *([Fact(reader.say("cancel_ends"), ends)] if at_once else []),
        *access,
        Fact(reader.say("cancel_next_charge"), reader.say("cancel_no_charge")),
        Fact(reader.say("cancel_balance"), balance),
    ]


def reasons(reader: Reader) -> list[tuple[str, str]]:
    """(code, words): the empty one first, which says nothing."""
    return [("", reader.say("reason_none")), *((f.value, reader.say(f"reason_{f.value}")) for f in Feedback)]


def reference(subscription_id: str, version: int) -> str:
    """`8F2C11AD-12`: finds the event again: the stream's first eight digits and the version in it."""
    return f"{UUID(subscription_id).hex[:8].upper()}-{version}"


@dataclass(frozen=True, slots=True)
class Result:
    title: str
    says: str
    reference: str | None
    mind: str | None
    """Until when it can be kept after all; None when it is over."""


def result(reader: Reader, subscription: Subscription, view: View, version: int | None) -> Result | None:
    """What became of it; None while nothing was cancelled."""
    plan, cancellation = subscription["plan"]["name"], subscription["cancellation"]
    ref = reference(subscription["id"], version) if version else None
    if subscription["status"] in ("canceled", "incomplete_expired"):
        day = reader.day(subscription["ended_at"] or subscription["current_period"]["end"])
        if version is None:
            return Result(reader.say("nothing_to_cancel_title"), reader.say("nothing_to_cancel", plan=plan, day=day), None, None)
        return Result(reader.say("cancelled_title"), reader.say("cancelled_now", plan=plan, day=day), ref, None)
    if on_its_way(subscription, view) == "pending_cancel":
        return Result(reader.say("cancelled_title"), reader.say("cancelled_on_its_way", plan=plan), ref, None)
    if cancellation is None:
        return None
    day = reader.day(cancellation["effective_at"])
    return Result(
        reader.say("cancelled_title"),
        reader.say("cancelled_later", plan=plan, day=day),
        ref or reference(subscription["id"], subscription["version"]),
        reader.say("changed_your_mind", day=day),
    )
