"""The result of a payment: the outcome of each charge, and the effect on the subscription."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portal_gateway.application.presentation.bank_confirmation import card_to_confirm, waits
from portal_gateway.application.presentation.common import Badge, Reader, moment
from portal_gateway.application.presentation.failure_reasons import REASONS
from portal_gateway.application.presentation.invoices import badge, status
from portal_gateway.application.presentation.notice import pay_button
from portal_gateway.application.presentation.settlement import after
from portal_gateway.application.view import View
from portal_gateway.domain.view import SavedMethod, Subscription
from presentation.languages import N_

SAYS: Final = {
    "paid": N_("The invoice is paid."),
    "failed": N_("The payment failed. Nothing was charged."),
    "open": N_("We're about to charge your card."),
    "processing": N_("Your bank hasn't responded yet. You can close this. The result will appear in your invoice history."),
    "refunded": N_("The invoice had already been voided, so we're refunding your card."),
    "void": N_("The invoice is void: there's nothing to pay."),
    "uncollectible": N_("The company has written this invoice off; you won't be charged for it."),
}


WAITS_FOR_BANK: Final = N_("Your bank is waiting for you to confirm the payment.")


@dataclass(frozen=True, slots=True)
class Charge:
    text: str
    amount: str
    badge: Badge


@dataclass(frozen=True, slots=True)
class Outcome:
    status: str
    """The status of the invoice."""
    title: str
    charges: tuple[Charge, ...]
    """The invoice, and the invoices of later periods that were charged after it."""
    says: tuple[str, ...]
    settled: bool
    """Whether no charge is under way."""
    pay: str | None
    """The label of the link to paying with another card, if the charge failed."""
    confirm: str | None = None
    """The label of the link to the confirmation at the customer's bank, if it waits for it or wants one."""


def outcome(reader: Reader, view: View, facts: Mapping[str, Any]) -> Outcome:
    """`facts`: the invoice as the invoicing service represents it, with the status to show."""
    subscription = next((it for it in view.facts["subscriptions"] if it["id"] == facts["subscription_id"]), None)
    charged = _charged(reader, view, facts)
    failed = facts["status"] == "failed"
    return Outcome(
        status=facts["status"],
        title=reader.say("Your payment didn't go through") if failed else reader.say("Your payment"),
        charges=tuple(Charge(number, amount, badge(reader, state)) for number, amount, state in charged),
        says=tuple(_says(reader, view, facts, subscription)),
        settled=_is_settled(reader, view, facts, subscription),
        pay=pay_button(reader, view) if failed else None,
        confirm=reader.say("Confirm with your bank") if _card_to_confirm(facts, view) else None,
    )


def _card_to_confirm(facts: Mapping[str, Any], view: View) -> SavedMethod | None:
    attempts = [it for it in facts.get("movements") or () if it["kind"] == "failed_attempt"]
    return card_to_confirm(facts, attempts[-1].get("payment_method") if attempts else None, view)


def _says(reader: Reader, view: View, facts: Mapping[str, Any], subscription: Subscription | None) -> list[str]:
    state, words = facts["status"], SAYS[facts["status"]]
    if state == "paid":
        return [after(reader, facts, subscription) or reader.say(words)]
    sentences = [reader.say(WAITS_FOR_BANK if waits(facts, view) else words)]
    if state == "failed":
        reasons = [it.get("reason") for it in facts.get("movements") or () if it["kind"] == "failed_attempt"]
        if reasons and (why := REASONS.get(reasons[-1] or "")):
            sentences.append(reader.say(why))
    return sentences


def _charged(reader: Reader, view: View, facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(number, amount, status), oldest first."""
    first = (facts["number"], reader.money(facts["total"]), facts["status"])
    later = [
        row
        for row in reversed(view.facts["invoices"])
        if row["subscription_id"] == facts["subscription_id"]
        and moment(row["period"]["start"]) > moment(facts["period"]["start"])
    ]
    return [first] + [(row["number"], reader.money(row["total"]), status(row, view.pending)) for row in later]


def _is_settled(reader: Reader, view: View, facts: Mapping[str, Any], subscription: Subscription | None) -> bool:
    states = {state for _, _, state in _charged(reader, view, facts)}
    if states & {"processing", "open"}:
        return False
    if facts["status"] != "paid" or subscription is None or subscription["ended_at"]:
        return True
    if after(reader, facts, subscription) is None:
        return False  # the subscription does not reflect the payment yet
    period = subscription["current_period"]
    if subscription["debt"] is None and subscription["cancellation"] is None and moment(period["end"]) <= reader.now:
        return False  # it is about to enter the next period
    rows = (row for row in view.facts["invoices"] if row["subscription_id"] == subscription["id"])
    return any(moment(row["period"]["start"]) == moment(period["start"]) for row in rows)
