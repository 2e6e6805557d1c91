"""What a customer owes for a subscription, why the charge failed, and what happens next."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from portal_gateway.application.presentation.accepted_commands import pending_sentence
from portal_gateway.application.presentation.bank_confirmation import card_to_confirm, reason_of, row_of, waits
from portal_gateway.application.presentation.cards_on_file import same_face
from portal_gateway.application.presentation.common import Fact, Reader, Tone, moment
from portal_gateway.application.presentation.failure_reasons import ADVICE, CONFIRMED_AT_THE_BANK, DECLINES, SHORT
from portal_gateway.application.subscription_status import owes
from portal_gateway.application.view import View
from portal_gateway.domain.view import CardFace, Debt, Subscription

NOT_CONFIRMED: Final = "not_confirmed"
"""The reason of a debt that is charged only after the customer confirms it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The message above all panes about an unpaid amount."""

    code: Literal[
        "processing",
        "waiting_for_bank",
        "not_confirmed",
        "ended",
        "first_payment",
        "confirm_with_bank",
        "failed",
        "card_expiring",
        "card_expired",
        "card_detached",
    ]
    """Which notice it is, the same in every language."""
    tone: Tone
    lead: str
    rest: str
    """Everything about it in sentences, for the API and the invoice's page."""
    pay: str | None
    """The label of the button that leads to paying."""
    says: str = ""
    """What can be done, beside `facts`."""
    facts: tuple[Fact, ...] = ()
    """The reason, the next attempt and the access; empty if `rest` is shown instead."""


def notice(reader: Reader, subscription: Subscription, view: View) -> Notice | None:
    debt, reader = subscription["debt"], reader.of_subscription(subscription)
    if debt is None or not owes(subscription) or pending_sentence(subscription, view):
        return None
    amount, row = reader.money(debt["amount"]), row_of(view, debt["invoice_id"])
    if waits(row, view):
        lead = reader.say("Your bank is waiting for you to confirm the payment of %(amount)s.", amount=amount)
        rest = reader.say(
            "If you closed your bank's window, open it again. If you don't confirm within 15 minutes, the payment is canceled "
            "and nothing is charged."
        )
        return Notice("waiting_for_bank", "warn", lead, rest, pay_button(reader, view))
    if is_running(debt, view):
        lead = reader.say("We're processing your payment of %(amount)s.", amount=amount)
        rest = reader.say("Your bank hasn't responded yet. We'll update this page; there's no need to pay again.")
        return Notice("processing", "warn", lead, rest, None)
    untried = subscription["status"] == "incomplete" and debt["reason"] == "no_payment_method"
    if debt["reason"] == NOT_CONFIRMED:
        lead = reader.say("Your payment of %(amount)s is waiting for your confirmation.", amount=amount)
        rest = reader.say("It wasn't among the charges you confirmed, so we haven't charged it.")
        return Notice("not_confirmed", "warn", lead, f"{rest} {_access(reader, debt)}", pay_button(reader, view))
    if subscription["ended_at"]:
        lead = reader.say("You still owe %(amount)s.", amount=amount)
        return Notice("ended", "bad", lead, _why(reader, debt, view), pay_button(reader, view))
    confirms = row is not None and card_to_confirm(row, row["payment_method"], view) is not None
    if untried:
        lead = reader.say("Your first payment of %(amount)s is due.", amount=amount)
    elif confirms:
        lead = reader.say("Your bank asks you to confirm this payment of %(amount)s.", amount=amount)
    else:
        lead = reader.say("We couldn't charge %(amount)s.", amount=amount)
    why, next_try = _why(reader, debt, view), _next_try(reader, debt, view)
    advice = _advice(reader, debt, view) or why
    return Notice(
        "first_payment" if untried else "confirm_with_bank" if confirms else "failed",
        "warn" if untried or confirms else "bad",
        lead,
        f"{why} {next_try} {_access(reader, debt)}",
        reader.say("Add a card and pay %(amount)s", amount=amount)
        if untried and not has_card(view)
        else pay_button(reader, view),
        advice if debt["next_attempt_at"] else f"{advice} {next_try}",
        tuple(_facts(reader, debt, reason_of(debt, view))),
    )


def pay_button(reader: Reader, view: View) -> str:
    return reader.say("Update card and pay") if has_card(view) else reader.say("Add a card and pay")


def has_card(view: View) -> bool:
    return view.facts["payment_method"] is not None


def is_running(debt: Debt, view: View) -> bool:
    """Whether a charge is under way. Offering a second one would look like paying twice."""
    charged = {p["detail"].get("invoice_id") for p in view.pending if p["kind"] == "charge"}
    statuses = {row["id"]: row["status"] for row in view.facts["invoices"]}
    return debt["retrying"] or debt["invoice_id"] in charged or statuses.get(debt["invoice_id"]) in ("processing", "paid")


def _why(reader: Reader, debt: Debt, view: View) -> str:
    reason = reason_of(debt, view)
    if reason == "no_payment_method":
        card_added_since = has_card(view) and debt["next_attempt_at"] is None
        return reader.say("There was no card on file.") if card_added_since else reader.say("You don't have a card on file.")
    if reason not in DECLINES:
        return reader.say("There was an error processing the payment.")
    face = refused_card(debt, view)
    of_unknown_card, of_this_card = DECLINES[reason]
    return reader.say(of_this_card, card=reader.card(face)) if face else reader.say(of_unknown_card)


def _advice(reader: Reader, debt: Debt, view: View) -> str | None:
    """What to do about a refused card that is still the default, or that can be confirmed."""
    refused, sentence = refused_card(debt, view), ADVICE.get(reason_of(debt, view))
    card = card_to_confirm(row_of(view, debt["invoice_id"]), refused, view) or view.facts["payment_method"]
    if sentence is None or not refused or not card or not same_face(refused, card):
        return None
    return reader.say(sentence, card=reader.card(card))


def _facts(reader: Reader, debt: Debt, reason: str) -> Iterator[Fact]:
    if words := SHORT.get(reason):
        yield Fact(reader.say("Reason"), reader.say(words))
    if at := debt["next_attempt_at"]:
        yield Fact(reader.say("Next attempt"), reader.near_day(at))
    day = reader.near_day(debt["access_until"])
    if moment(debt["access_until"]) <= reader.now:
        yield Fact(reader.say("Access"), reader.say("Ended on %(day)s", day=day))
    else:
        yield Fact(reader.say("Access until"), day)


def _next_try(reader: Reader, debt: Debt, view: View) -> str:
    at = debt["next_attempt_at"]
    if at:
        return reader.say("We'll try again on %(day)s.", day=reader.near_day(at))
    card, refused = view.facts["payment_method"], refused_card(debt, view)
    if card is None:
        return reader.say("Add a card to pay.")
    if debt["reason"] == "no_payment_method" or (refused and not same_face(refused, card)):
        return reader.say("We won't try again automatically.")  # the customer has added another card since
    if reason_of(debt, view) in CONFIRMED_AT_THE_BANK:
        return reader.say("We won't try again automatically.")
    return reader.say("We won't try again until you update your card.")


def refused_card(debt: Debt, view: View) -> CardFace | None:
    """The card of the last failed charge; None if there was no charge or its card is unknown."""
    row = row_of(view, debt["invoice_id"])
    return row["payment_method"] if row else None


def _access(reader: Reader, debt: Debt) -> str:
    day = reader.near_day(debt["access_until"])
    if moment(debt["access_until"]) <= reader.now:
        return reader.say("Your access ended on %(day)s.", day=day)
    return reader.say("You keep your access until %(day)s.", day=day)
