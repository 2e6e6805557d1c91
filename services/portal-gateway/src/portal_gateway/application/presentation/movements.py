"""The movements of an invoice: attempts with their failure reasons, payments, refunds, and the next attempt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.failure_reasons import REASONS
from portal_gateway.domain.invoice_status import UNTRIED
from portal_gateway.domain.receipts import is_receipted
from portal_gateway.domain.view import Money
from presentation.languages import N_

KINDS: Final = {
    "invoice": N_("Invoice issued"),
    "payment": N_("Payment"),
    "failed_attempt": N_("Payment failed"),
    "refund": N_("Refund"),
    "credit_note": N_("Credit note"),
    "chargeback": N_("Chargeback"),
    "void": N_("Invoice voided"),
}
NOT_ATTEMPTED: Final = N_("No charge was attempted")
"""A failed attempt for which no card was charged."""
KINDS_WITH_CARD: Final = {
    "payment": N_("Payment with %(card)s"),
    "failed_attempt": N_("Payment failed with %(card)s"),
    "refund": N_("Refund to %(card)s"),
    "chargeback": N_("Chargeback to %(card)s"),
}
BANK_DAYS: Final = N_("Your bank can take 5–10 business days to show it.")
KINDS_WITH_BACKUP: Final = {
    "payment": N_("Charged to your backup card %(card)s"),
    "failed_attempt": N_("Your backup card %(card)s was declined"),
}
MONEY_KINDS: Final = frozenset({"invoice", "payment", "refund", "credit_note", "chargeback"})
"""Kinds that show an amount. A failed charge moves no money, and a void concerns the invoice."""


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """A link to a PDF."""

    url: str
    text: str
    number: str
    """Of the credit note, or of the invoice that a receipt is for. The link is named with it for screen readers."""


@dataclass(frozen=True, slots=True)
class Movement:
    kind: str
    """A kind of invoicing's movements, `refund_underway` or `next_attempt`."""
    iso_date: str
    date: str
    what: str
    why: str
    """Empty if there is no reason, or it is unknown."""
    amount: str
    """Empty if no money moved."""
    document: DocumentLink | None = None
    """The credit note, or the receipt for a payment."""


def movements(reader: Reader, facts: Mapping[str, Any], next_try: str | None) -> tuple[Movement, ...]:
    """The invoice's movements in the invoicing service's order, then its refunds under way, and the next attempt (an instant)."""
    notes = {note["id"]: note for note in facts.get("credit_notes") or ()}
    past = tuple(_movement(reader, facts, movement, notes) for movement in facts.get("movements") or ())
    past += tuple(_underway(reader, note) for note in notes.values() if note["refund"]["status"] == "requested")
    if next_try is None:
        return past
    day = reader.date(next_try)
    upcoming = Movement(
        "next_attempt",
        day.isoformat(),
        reader.language.short_day(day),
        reader.say("Next attempt"),
        "",
        reader.money(facts["total"]),
    )
    return (*past, upcoming)


def _movement(
    reader: Reader, facts: Mapping[str, Any], movement: Mapping[str, Any], notes: Mapping[str, Mapping[str, Any]]
) -> Movement:
    kind, card, day = movement["kind"], movement.get("payment_method"), date.fromisoformat(movement["date"])
    if movement.get("detail") == "chargeback":
        kind = "chargeback"
    note = notes.get(movement.get("credit_note_id") or "")
    document = _receipt(reader, facts) if is_receipted(movement) else None
    if note and movement.get("detail") == "credit_note":
        kind = "credit_note"
        document = DocumentLink(f"/credit-notes/{note['id']}.pdf", reader.say("Download PDF"), note["number"])
        what = reader.say("Credit note %(number)s", number=note["number"])
    elif kind == "refund" and movement.get("status") == "failed":
        what = reader.say("Refund failed")
    elif card and kind in KINDS_WITH_CARD:
        with_card = KINDS_WITH_BACKUP if movement.get("backup") and kind in KINDS_WITH_BACKUP else KINDS_WITH_CARD
        what = reader.say(with_card[kind], card=reader.card(card))
    else:
        words = NOT_ATTEMPTED if movement.get("reason") in UNTRIED else KINDS[kind]
        what = reader.say(words)
    amount = movement["amount"]
    return Movement(
        kind,
        day.isoformat(),
        reader.language.short_day(day),
        what,
        _why(reader, movement, note),
        reader.money(amount) if kind in MONEY_KINDS and movement.get("status") != "failed" else "",
        document,
    )


def _receipt(reader: Reader, facts: Mapping[str, Any]) -> DocumentLink:
    return DocumentLink(f"/invoices/{facts['id']}/receipt.pdf", reader.say("Download receipt"), facts["number"])


def _why(reader: Reader, movement: Mapping[str, Any], note: Mapping[str, Any] | None) -> str:
    if movement["kind"] == "refund" and note:
        if movement.get("status") == "failed":
            return reader.say("Your card didn't accept the refund. The company will return the money in another way.")
        settles = reader.say("For credit note %(number)s.", number=note["number"])
        return f"{settles} {reader.say(BANK_DAYS)}"
    why = REASONS.get(movement.get("reason") or "")
    return reader.say(why) if why else ""


def _underway(reader: Reader, note: Mapping[str, Any]) -> Movement:
    """A refund that the provider has not confirmed yet, dated with its credit note."""
    day, card, total = date.fromisoformat(note["issued_on"]), note["refund"]["payment_method"], note["total"]
    what = reader.say("Refund to %(card)s processing", card=reader.card(card)) if card else reader.say("Refund processing")
    amount: Money = {"amount_minor": -total["amount_minor"], "currency": total["currency"]}
    return Movement(
        "refund_underway", day.isoformat(), reader.language.short_day(day), what, reader.say(BANK_DAYS), reader.money(amount)
    )
