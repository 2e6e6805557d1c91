"""The payment method in words: the card's face, and whether it will still be good."""

from dataclasses import dataclass

from portal_gateway.application.answers import View
from portal_gateway.application.wording import Badge, Reader
from portal_gateway.domain.view import PaymentMethod


@dataclass(frozen=True, slots=True)
class Method:
    brand: str
    """`visa`, `mastercard`, `amex`, `other`; empty when there is none."""
    label: str
    expiry: str
    badge: Badge | None
    hint: str | None
    button: str


def state(reader: Reader, month: int, year: int) -> str:
    """`valid`, `expiring` (this month or the next), `expired`; a card is good through its whole last month."""
    today = reader.today
    months_left = (year - today.year) * 12 + month - today.month
    if months_left < 0:
        return "expired"
    return "expiring" if months_left <= 1 else "valid"


def method(reader: Reader, view: View) -> Method:
    waiting = [p["detail"] for p in view.pending if p["kind"] == "payment_method"]
    if waiting:
        new: PaymentMethod = {"id": "", "version": 0, **waiting[-1]}  # type: ignore[typeddict-item]
        return _of(reader, new, reader.say("pending_method"))
    card = view.facts["payment_method"]
    if card is None:
        return Method("", reader.say("method_none"), "", None, reader.say("method_none_more"), reader.say("method_add"))
    return _of(reader, card, None)


def expiry(reader: Reader, month: int, year: int) -> str:
    """`Vence 12/2025`"""
    return reader.say("card_expired" if state(reader, month, year) == "expired" else "card_expires", month=month, year=year)


def _of(reader: Reader, card: PaymentMethod, pending: str | None) -> Method:
    month, year = card["exp_month"], card["exp_year"]
    how = state(reader, month, year)
    badge = None
    if how != "valid":
        badge = Badge(reader.say(f"badge_card_{how}"), "bad" if how == "expired" else "warn")
    hint = pending or (reader.say(f"method_{how}") if badge else None)
    return Method(card["brand"], reader.card(card), expiry(reader, month, year), badge, hint, reader.say("method_edit"))
