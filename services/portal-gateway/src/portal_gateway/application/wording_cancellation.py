"""Cancelling in words: what it does, before and after."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing_contracts.subscriptions import Feedback
from chassis.languages import N_, in_context
from portal_gateway.application.answers import CancellationPreview, View
from portal_gateway.application.wording import Reader, moment
from portal_gateway.application.wording_subscription import CANCELLING, KEEPING, can_be_kept, on_its_way
from portal_gateway.domain.view import Subscription

COMMENT_LIMIT: Final = 500
REASONS: Final = {
    Feedback.TOO_EXPENSIVE: N_("It is too expensive"),
    Feedback.MISSING_FEATURES: N_("It lacks features I need"),
    Feedback.SWITCHED_SERVICE: N_("I am moving to another service"),
    Feedback.UNUSED: N_("I no longer use it"),
    Feedback.CUSTOMER_SERVICE: N_("The customer service was not good"),
    Feedback.TOO_COMPLEX: N_("It is too complicated"),
    Feedback.LOW_QUALITY: N_("The quality was not good"),
    Feedback.OTHER: N_("Another reason"),
}
BALANCES: Final = {"void": N_("%(amount)s, voided"), "keep": N_("%(amount)s, you will still owe it")}


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str


def facts(reader: Reader, preview: CancellationPreview, currency: str) -> list[Fact]:
    """What ends, until when access lasts, and what becomes of what is owed."""
    at_once = moment(preview["effective_at"]) <= reader.now
    ends = reader.say("Today") if at_once else reader.day(preview["effective_at"])
    owed = preview["open_amount"]
    balance = reader.money(owed or {"amount_minor": 0, "currency": currency})
    if owed and owed["amount_minor"] and preview["open_invoices"]:
        becomes = BALANCES[preview["open_invoices"]]
        balance = reader.say(becomes, amount=balance)
    access = [] if at_once else [Fact(reader.say("Access until"), reader.day(preview["access_until"]))]
    return [
        *([Fact(reader.say("Ends"), ends)] if at_once else []),
        *access,
        Fact(reader.say("Next charge"), reader.say(in_context("charge", "None"))),
        Fact(reader.say("Balance due"), balance),
    ]


def reasons(reader: Reader) -> list[tuple[str, str]]:
    """(code, words): the empty one first, which says nothing."""
    return [("", reader.say("I would rather not say")), *((code.value, reader.say(words)) for code, words in REASONS.items())]


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
    """What became of it; None while nothing was cancelled. `version` as the address says, which may be anything."""
    plan, cancellation = subscription["plan"]["name"], subscription["cancellation"]
    coming = (p["version"] for p in view.pending if p["aggregate"] == f"subscription-{subscription['id']}")
    ref = reference(subscription["id"], version) if version and version <= max([subscription["version"], *coming]) else None
    done = reader.say("Your cancellation is registered")
    if subscription["status"] in ("canceled", "incomplete_expired"):
        day = reader.day(subscription["ended_at"] or subscription["current_period"]["end"])
        if ref is None:
            over = reader.say("%(plan)s ended on %(day)s; there is nothing left to cancel.", plan=plan, day=day)
            return Result(reader.say("This subscription has ended"), over, None, None)
        return Result(
            done, reader.say("%(plan)s ended on %(day)s. You will not be charged again.", plan=plan, day=day), ref, None
        )
    waiting = on_its_way(subscription, view)
    if waiting == KEEPING:
        return Result(reader.say("Keep my subscription"), reader.say(KEEPING), ref, None)
    if waiting == CANCELLING:
        waits = reader.say("The cancellation of %(plan)s is registered and on its way. You will not be charged again.", plan=plan)
        return Result(done, waits, ref, None)
    if cancellation is None:
        return None
    day = reader.day(cancellation["effective_at"])
    return Result(
        done,
        reader.say("%(plan)s ends on %(day)s. You have access until then, and will not be charged again.", plan=plan, day=day),
        ref or reference(subscription["id"], subscription["version"]),
        reader.say("Changed your mind? You can keep it until %(day)s.", day=day) if can_be_kept(reader, subscription) else None,
    )
