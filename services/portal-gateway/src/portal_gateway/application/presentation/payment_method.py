"""The payment method: the card, and whether it expires."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from billing_contracts.expiry import State
from billing_contracts.expiry import state as expiry_state
from portal_gateway.application.presentation.common import Badge, Reader, moment
from portal_gateway.application.presentation.notice import Notice
from portal_gateway.application.subscription_status import renews
from portal_gateway.application.view import View
from portal_gateway.domain.view import CardFace, DetachedCard, PaymentMethod
from presentation.languages import in_context

SHOWN_FOR: Final = timedelta(days=30)
"""How long the page names a card that was detached, if the cards were not changed since."""


@dataclass(frozen=True, slots=True)
class Method:
    brand: str
    """`visa`, `mastercard`, `amex`, `other`; empty without a card."""
    label: str
    expiry: str
    badge: Badge | None
    hint: str | None
    button: str | None
    """None while an accepted new card has not arrived."""


def state(reader: Reader, month: int, year: int) -> State:
    """By the merchant's clock and zone, as for a charge."""
    return expiry_state(month, year, reader.now, reader.zone)


def chargeable(reader: Reader, view: View) -> CardFace | None:
    """The card of the next charge; None without one, or if it has expired."""
    card = _accepted(view) or view.facts["payment_method"]
    return card if card and state(reader, card["exp_month"], card["exp_year"]) != "expired" else None


def _accepted(view: View) -> PaymentMethod | None:
    """A new card that has not arrived yet."""
    pending = [p["detail"] for p in view.pending if p["kind"] == "payment_method"]
    if not pending:
        return None
    new: PaymentMethod = {"id": "", "version": 0, **pending[-1]}  # type: ignore[typeddict-item]
    return new


def method(reader: Reader, view: View) -> Method:
    if new := _accepted(view):
        return replace(_of(reader, new), hint=reader.say("Your new card is saved and will appear here shortly."), button=None)
    card = view.facts["payment_method"]
    if card is None:
        hint = reader.say("Add one so your renewals are paid automatically.") if _renews(view) else None
        return Method("", reader.say("You don't have a card on file"), "", None, hint, reader.say("Add payment method"))
    return _of(reader, card)


def _renews(view: View) -> bool:
    return any(renews(it) for it in view.facts["subscriptions"])


def expiry(reader: Reader, month: int, year: int) -> str:
    """`Vence 12/2025`"""
    if state(reader, month, year) == "expired":
        return reader.say("Expired %(month)02d/%(year)d", month=month, year=year)
    return reader.say("Expires %(month)02d/%(year)d", month=month, year=year)


def warning(reader: Reader, view: View) -> Notice | None:
    """The notice about a card that fails at the next charge, or soon; None if nothing renews or a new card was accepted.

    A detached card is one of them while there is no other.
    """
    card, detached = view.facts["payment_method"], view.facts.get("detached_card")
    if _accepted(view) or not _renews(view):
        return None
    if card is None:
        return _without_card(reader, detached) if detached else None
    label, pay = reader.card(card), reader.say("Update card")
    match state(reader, card["exp_month"], card["exp_year"]):
        case "expiring":
            lead = reader.say("Your card %(card)s expires soon.", card=label)
            advice = reader.say("Update your card before it expires to keep your subscription.")
            return Notice("card_expiring", "warn", lead, advice, pay)
        case "expired":
            lead = reader.say("Your card %(card)s has expired.", card=label)
            advice = reader.say("Your next payment will fail. Update your card to keep your subscription.")
            return Notice("card_expired", "bad", lead, advice, pay)
    return None


def _without_card(reader: Reader, detached: DetachedCard) -> Notice:
    lead = reader.say("Your card %(card)s can no longer be charged.", card=reader.card(detached))
    advice = reader.say("Your next payment will fail. Add a card to keep your subscription.")
    return Notice("card_detached", "bad", lead, advice, reader.say("Add payment method"))


def removed_by_provider(reader: Reader, view: View) -> str | None:
    """What became of a card that its provider does not have any more; None after a month."""
    detached, default = view.facts.get("detached_card"), view.facts["payment_method"]
    if detached is None or reader.now - moment(detached["at"]) > SHOWN_FOR:
        return None
    removed = reader.say("We removed %(card)s because it can no longer be charged.", card=reader.card(detached))
    if default is None or not detached["was_default"]:
        return removed
    charged = reader.say("Your default card is now %(card)s.", card=reader.card(default))
    return f"{removed} {charged}"


def expiry_badge(reader: Reader, month: int, year: int) -> Badge | None:
    match state(reader, month, year):
        case "expiring":
            return Badge(reader.say(in_context("card", "Expires soon")), "warn", "expiring")
        case "expired":
            return Badge(reader.say(in_context("card", "Expired")), "bad", "expired")
    return None


def _of(reader: Reader, card: PaymentMethod) -> Method:
    month, year = card["exp_month"], card["exp_year"]
    badge, button = expiry_badge(reader, month, year), reader.say("Edit payment method")
    return Method(card["brand"], reader.card(card), expiry(reader, month, year), badge, None, button)
