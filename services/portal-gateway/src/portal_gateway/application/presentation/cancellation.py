"""The cancellation dialog: the effects before, the result after."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from billing_contracts.subscriptions import Feedback
from chassis.text import isolated
from portal_gateway.application.presentation import price
from portal_gateway.application.presentation.accepted_commands import CANCELLATION_PENDING, WITHDRAWAL_PENDING, pending_sentence
from portal_gateway.application.presentation.common import Fact, Reader, moment
from portal_gateway.application.results import CancellationPreview
from portal_gateway.application.subscription_status import access_ended_before, can_be_withdrawn, is_unsettled
from portal_gateway.application.view import View
from portal_gateway.domain.view import Subscription
from presentation.languages import N_, in_context

COMMENT_LIMIT: Final = 500
FEEDBACK: Final = {
    Feedback.TOO_EXPENSIVE: N_("Too expensive"),
    Feedback.UNUSED: N_("No longer using it"),
    Feedback.MISSING_FEATURES: N_("Missing features I need"),
    Feedback.SWITCHED_SERVICE: N_("Switching to another service"),
    Feedback.OTHER: N_("Another reason"),
}
"""The reasons that the page offers: few enough to choose with one touch. The API accepts all of them."""
BALANCES: Final = {
    "void": N_("%(amount)s – waived, nothing to pay"),
    "keep": N_("%(amount)s – still due"),
    None: N_("%(amount)s – payment processing"),
}


def facts(reader: Reader, preview: CancellationPreview, subscription: Subscription) -> list[Fact]:
    """The effects of cancelling: the price that ends, the end, the access, and what is unpaid, if anything is."""
    reader = reader.of_subscription(subscription)
    effects = [
        Fact(reader.say("You'll stop paying"), price.of_subscription(reader, subscription).text),
        *_ending(reader, preview),
        Fact(reader.say("Next charge"), reader.say(in_context("charge", "None"))),
    ]
    owed = preview["open_amount"]
    if owed and owed["amount_minor"]:
        sentence = BALANCES[preview["open_invoices"]]
        balance = reader.say(sentence, amount=reader.money(owed))
        effects.append(Fact(reader.say("Amount due"), balance))
    return effects


def promise(reader: Reader, preview: CancellationPreview, subscription: Subscription) -> str | None:
    """What stays and what ends with a scheduled cancellation; None if the access is in doubt or has ended."""
    reader = reader.of_subscription(subscription)
    if preview["mode"] != "at_period_end" or preview["open_amount"] or moment(preview["access_until"]) <= reader.now:
        return None
    day = reader.day(preview["access_until"])
    return reader.say("You'll keep your access until %(day)s and won't be charged again.", day=day)


def warning(reader: Reader, preview: CancellationPreview, subscription: Subscription) -> str | None:
    """What an immediate cancellation takes away for good; None for one that the customer can withdraw."""
    if preview["mode"] != "immediately":
        return None
    if _access_ends_before(reader.of_subscription(subscription), preview):
        return reader.say("This can't be undone.")
    return reader.say("You'll lose your access right away. This can't be undone.")


def _access_ends_before(reader: Reader, preview: CancellationPreview) -> bool:
    return reader.date(preview["access_until"]) < reader.date(preview["effective_at"])


def _ending(reader: Reader, preview: CancellationPreview) -> list[Fact]:
    """The preview decides, not the clock: its mode tells an immediate end, its dates what has passed."""
    day = reader.day(preview["access_until"])
    if preview["mode"] == "at_period_end":
        if moment(preview["access_until"]) <= reader.now:
            return [_access_ended(reader, day)]
        if preview["open_amount"]:
            day = reader.say("%(day)s, if the payment being processed goes through", day=day)
        return [Fact(reader.say("Access until"), day)]
    ending, given_up = [Fact(reader.say("Ends"), reader.say("Immediately"))], preview.get("paid_until")
    if _access_ends_before(reader, preview):
        ending.append(_access_ended(reader, day))
    if given_up:
        lost = reader.say("Until %(day)s; not refunded", day=reader.day(given_up))
        ending.append(Fact(reader.say("Already paid"), lost))
    return ending


def _access_ended(reader: Reader, day: str) -> Fact:
    return Fact(reader.say("Access"), reader.say("Ended on %(day)s", day=day))


def reasons(reader: Reader) -> list[tuple[str, str]]:
    """(code, text); the last one, with an empty code, takes a choice back."""
    return [*((code.value, reader.say(words)) for code, words in FEEDBACK.items()), ("", reader.say("I'd rather not say"))]


def reference(subscription_id: str, version: int) -> str:
    """`8F2C11AD-12`: the first eight digits of the subscription's id and the event's version, to find the event by."""
    return f"{UUID(subscription_id).hex[:8].upper()}-{version}"


@dataclass(frozen=True, slots=True)
class Result:
    code: Literal["already_ended", "ended", "withdrawal_pending", "cancellation_pending", "scheduled"]
    """Which result it is, the same in every language."""
    title: str
    says: str
    reference: str | None
    until: str | None
    """Until when access lasts; None if that is not known or over."""
    mind: str | None
    """Until when the customer can withdraw the cancellation; None if it has taken effect."""


def result(reader: Reader, subscription: Subscription, view: View, version: int | None) -> Result | None:
    """The result of a cancellation; None if nothing was cancelled. `version` comes from the address and can be any number."""
    reader = reader.of_subscription(subscription)
    plan, cancellation = isolated(subscription["plan"]["name"]), subscription["cancellation"]
    pending = (p["version"] for p in view.pending if p["aggregate"] == f"subscription-{subscription['id']}")
    ref = reference(subscription["id"], version) if version and version <= max([subscription["version"], *pending]) else None
    done = reader.say("We've received your cancellation")
    if subscription["status"] in ("canceled", "incomplete_expired"):
        day = reader.day(subscription["ended_at"] or subscription["current_period"]["end"])
        if ref is None:
            over = reader.say(
                "Your subscription to %(plan)s ended on %(day)s. You don't need to do anything else.", plan=plan, day=day
            )
            return Result("already_ended", reader.say("This subscription has ended"), over, None, None, None)
        return Result("ended", done, _ended(reader, subscription, day), ref, None, None)
    waiting = pending_sentence(subscription, view)
    if waiting == WITHDRAWAL_PENDING:
        return Result("withdrawal_pending", reader.say("Keep my subscription"), reader.say(WITHDRAWAL_PENDING), ref, None, None)
    if waiting == CANCELLATION_PENDING:
        waits = reader.say(
            "We've received the cancellation of %(plan)s and are processing it. You won't be charged again.", plan=plan
        )
        return Result("cancellation_pending", done, waits, ref, None, None)
    if cancellation is None:
        return None
    day, ref = reader.day(cancellation["effective_at"]), ref or reference(subscription["id"], subscription["version"])
    if not can_be_withdrawn(subscription, reader.now):
        return Result("ended", done, _ended(reader, subscription, day), ref, None, None)
    says = reader.say(
        "Your subscription to %(plan)s ends on %(day)s. You'll have access until then and won't be charged again.",
        plan=plan,
        day=day,
    )
    unsettled = is_unsettled(subscription, view)
    if unsettled:
        says = reader.say(
            "Your subscription to %(plan)s ends on %(day)s. If the payment being processed goes through, you'll have access "
            "until then; you won't be charged after that.",
            plan=plan,
            day=day,
        )
    until = None if unsettled else day
    mind = reader.say("Changed your mind? You have until %(day)s to keep it.", day=day)
    return Result("scheduled", done, says, ref, until, mind)


def _ended(reader: Reader, subscription: Subscription, day: str) -> str:
    plan, access = subscription["plan"]["name"], access_ended_before(subscription, reader)
    if access is None:
        return reader.say("Your subscription to %(plan)s ended on %(day)s. You won't be charged again.", plan=plan, day=day)
    return reader.say(
        "Your subscription to %(plan)s ended on %(day)s; your access had already ended on %(access)s. You won't be "
        "charged again.",
        plan=plan,
        day=day,
        access=reader.day(access),
    )
