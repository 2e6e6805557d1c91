"""What became of one invoice, in words: each try to charge it and why it failed, what was paid or given back, what is next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.failure_reasons import REASONS
from portal_gateway.domain.view import Money
from presentation.languages import N_

WHAT: Final = {
    "invoice": N_("Invoice issued"),
    "payment": N_("Payment"),
    "failed_attempt": N_("Failed charge"),
    "refund": N_("Refund"),
    "credit_note": N_("Credit note"),
    "void": N_("Invoice voided"),
}
WHAT_WITH_A_CARD: Final = {
    "payment": N_("Payment with %(card)s"),
    "failed_attempt": N_("Failed charge to %(card)s"),
    "refund": N_("Refund to %(card)s"),
}
MOVING: Final = frozenset({"invoice", "payment", "refund", "credit_note"})
"""Kinds whose amount is said: nothing moves when a charge fails, and what is voided is the invoice."""


@dataclass(frozen=True, slots=True)
class Movement:
    iso_date: str
    date: str
    what: str
    why: str
    """Empty when nothing needs a reason, or nobody knows it."""
    amount: str
    """Empty when nothing moved."""


def movements(reader: Reader, facts: Mapping[str, Any], next_try: str | None) -> tuple[Movement, ...]:
    """The invoice's, as the invoicing service tells them, in their order; then the next try, an instant, when there is one."""
    past = tuple(_movement(reader, movement) for movement in facts.get("movements") or ())
    if next_try is None:
        return past
    day = reader.date(next_try)
    announced = Movement(
        day.isoformat(), reader.language.short_day(day), reader.say("Next charge attempt"), "", reader.money(facts["total"])
    )
    return (*past, announced)


def _movement(reader: Reader, movement: Mapping[str, Any]) -> Movement:
    kind, card, day = movement["kind"], movement.get("payment_method"), date.fromisoformat(movement["date"])
    what = (
        reader.say(WHAT_WITH_A_CARD[kind], card=reader.card(card))
        if card and kind in WHAT_WITH_A_CARD
        else reader.say(WHAT[kind])
    )
    why = REASONS.get(movement.get("reason") or "")
    amount = movement["amount"]
    whole: Money = {"amount_minor": abs(amount["amount_minor"]), "currency": amount["currency"]}
    return Movement(
        day.isoformat(),
        reader.language.short_day(day),
        what,
        reader.say(why) if why else "",
        reader.money(whole) if kind in MOVING else "",
    )
