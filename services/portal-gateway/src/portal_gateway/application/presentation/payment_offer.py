"""The offer to pay a debt with a card on file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portal_gateway.application.presentation.bank_confirmation import card_to_confirm, row_of, waits
from portal_gateway.application.presentation.cards_on_file import same_face, saved
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.notice import is_running, notice
from portal_gateway.application.presentation.payment_method import state
from portal_gateway.application.presentation.settlement import before
from portal_gateway.application.view import View
from portal_gateway.domain.settlement import Settling, settling
from portal_gateway.domain.view import CardFace, Subscription

ONLY_ANOTHER_CARD: Final = frozenset({"expired_card", "incorrect_cvc"})
"""Failure reasons after which the same card cannot pay."""


@dataclass(frozen=True, slots=True)
class PayableCard:
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Offer:
    """Paying a debt with a card on file."""

    invoice_id: str
    does: str
    """What a payment settles, and its effect on the subscription, with any card."""
    button: str | None
    """None if no card can pay."""
    why_not: str | None
    """Why the default cannot pay."""
    cards: tuple[PayableCard, ...] = ()
    """The cards that can pay. The button names the first one, or leads to its confirmation."""
    confirms: bool = False
    """Whether the button leads to the confirmation at the customer's bank."""


def offer(reader: Reader, view: View, subscription: Subscription) -> Offer | None:
    """The offer for a subscription's debt; None without a debt, or while a charge for it is under way that the customer cannot
    advance.
    """
    debt, reader = subscription["debt"], reader.of_subscription(subscription)
    if debt is None or notice(reader, subscription, view) is None:
        return None
    row = row_of(view, debt["invoice_id"])
    if is_running(debt, view) and not waits(row, view):
        return None
    period = row["period"] if row else subscription["current_period"]
    failed = debt["reason"], row["payment_method"] if row else None
    return _offer(reader, view, row or {"id": debt["invoice_id"]}, settling(subscription, period, reader.now), *failed)


def of_invoice(reader: Reader, view: View, facts: Mapping[str, Any]) -> Offer:
    """The offer for an open invoice with a failed charge; `facts`: the invoice as the invoicing service represents it."""
    subscription = next((it for it in view.facts["subscriptions"] if it["id"] == facts["subscription_id"]), None)
    reader = reader.of_subscription(subscription) if subscription else reader
    attempts = [it for it in facts.get("movements") or () if it["kind"] == "failed_attempt"]
    failed = (attempts[-1].get("reason"), attempts[-1].get("payment_method")) if attempts else (None, None)
    return _offer(reader, view, facts, settling(subscription, facts["period"], reader.now), *failed)


def _offer(
    reader: Reader, view: View, invoice: Mapping[str, Any], it: Settling, reason: str | None, face: CardFace | None
) -> Offer:
    invoice_id, does, default = str(invoice["id"]), before(reader, it), view.facts["payment_method"]
    if card := card_to_confirm(invoice, face, view):
        its_card = PayableCard(card["id"], reader.card(card))
        return Offer(invoice_id, does, reader.say("Confirm with your bank"), None, (its_card,), confirms=True)
    if default is None:
        return Offer(invoice_id, does, None, None)
    refused = face if reason in ONLY_ANOTHER_CARD or invoice.get("remedy") == "another_card" else None
    why_not = _why_not(reader, default, default["exp_month"], default["exp_year"], refused)
    payable = [card for card in saved(view) if not _why_not(reader, card, card["exp_month"], card["exp_year"], refused)]
    if not payable:
        return Offer(invoice_id, does, None, why_not)
    words = {"card": reader.card(payable[0])}
    same = face is not None and same_face(face, payable[0])
    button = reader.say("Retry with %(card)s", **words) if same else reader.say("Pay now with %(card)s", **words)
    cards = tuple(PayableCard(card["id"], reader.card(card)) for card in payable)
    return Offer(invoice_id, does, button, why_not, cards)


def _why_not(reader: Reader, card: CardFace, month: int, year: int, refused: CardFace | None) -> str | None:
    """Why this card cannot pay; None if it can. `refused` is the card that the customer's bank does not accept any more."""
    if state(reader, month, year) == "expired":
        return reader.say("You can't pay with %(card)s: it has expired.", card=reader.card(card))
    if refused is not None and same_face(refused, card):
        return reader.say("You can't pay with %(card)s: your bank requires another card.", card=reader.card(card))
    return None
