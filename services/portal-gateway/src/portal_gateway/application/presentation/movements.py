"""The movements of an invoice: attempts with their failure reasons, payments, refunds, and the next attempt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.failure_reasons import REASONS
from portal_gateway.domain.invoice_status import UNTRIED
from presentation.languages import N_

KINDS: Final = {
    "invoice": N_("Invoice issued"),
    "payment": N_("Payment"),
    "failed_attempt": N_("Payment failed"),
    "refund": N_("Refund"),
    "credit_note": N_("Credit note"),
    "void": N_("Invoice voided"),
}
NOT_ATTEMPTED: Final = N_("No charge was attempted")
"""A failed attempt for which no card was charged."""
KINDS_WITH_CARD: Final = {
    "payment": N_("Payment with %(card)s"),
    "failed_attempt": N_("Payment failed with %(card)s"),
    "refund": N_("Refund to %(card)s"),
}
MONEY_KINDS: Final = frozenset({"invoice", "payment", "refund", "credit_note"})
"""Kinds that show an amount. A failed charge moves no money, and a void concerns the invoice."""


@dataclass(frozen=True, slots=True)
class Movement:
    kind: str
    """A kind of invoicing's movements, or `next_attempt`."""
    iso_date: str
    date: str
    what: str
    why: str
    """Empty if there is no reason, or it is unknown."""
    amount: str
    """Empty if no money moved."""


def movements(reader: Reader, facts: Mapping[str, Any], next_try: str | None) -> tuple[Movement, ...]:
    """The invoice's movements in the invoicing service's order, then the next attempt (an instant), if there is one."""
    past = tuple(_movement(reader, movement) for movement in facts.get("movements") or ())
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


def _movement(reader: Reader, movement: Mapping[str, Any]) -> Movement:
    kind, card, day = movement["kind"], movement.get("payment_method"), date.fromisoformat(movement["date"])
    if card and kind in KINDS_WITH_CARD:
        what = reader.say(KINDS_WITH_CARD[kind], card=reader.card(card))
    else:
        words = NOT_ATTEMPTED if movement.get("reason") in UNTRIED else KINDS[kind]
        what = reader.say(words)
    why = REASONS.get(movement.get("reason") or "")
    amount = movement["amount"]
    return Movement(
        kind,
        day.isoformat(),
        reader.language.short_day(day),
        what,
        reader.say(why) if why else "",
        reader.money(amount) if kind in MONEY_KINDS else "",
    )
