"""Payments that the customer confirms at their bank: the failed ones that can be confirmed, and the one that waits for it."""

from collections.abc import Mapping
from typing import Any

from portal_gateway.application.presentation.cards_on_file import same_face, saved
from portal_gateway.application.view import View
from portal_gateway.domain.view import CardFace, Debt, InvoiceRow, SavedMethod


def row_of(view: View, invoice_id: str) -> InvoiceRow | None:
    """None for an invoice older than those in the view."""
    return next((row for row in view.facts["invoices"] if row["id"] == invoice_id), None)


def reason_of(debt: Debt, view: View) -> str:
    """The most precise code of why the debt's last charge failed."""
    row = row_of(view, debt["invoice_id"])
    return (row.get("detail") if row else None) or debt["reason"]


def card_to_confirm(invoice: Mapping[str, Any] | None, failed_with: CardFace | None, view: View) -> SavedMethod | None:
    """The card on file with which the customer can confirm the invoice's payment at their bank. `invoice`: a row or the facts of
    one. None if no charge waits for the customer and the bank wants none confirmed, or if the card is not on file.
    """
    if waiting := waiting_card(invoice, view):
        return waiting
    if invoice is None or invoice.get("remedy") != "authenticate":
        return None
    cards, id = saved(view), invoice.get("charged_method_id")
    charged = next((card for card in cards if card["id"] == id), None)
    # The customer may have entered the same card again, and the payer of an invoice link may have used one that is on file.
    return charged or next((card for card in cards if failed_with and same_face(card, failed_with)), None)


def waiting_card(invoice: Mapping[str, Any] | None, view: View) -> SavedMethod | None:
    """The card on file with a charge that waits for the customer's answer to their bank. A charge that the payer of an invoice
    link has begun waits for the payer: its card is not on file.
    """
    if not invoice or not invoice.get("authenticate_until"):
        return None
    id = invoice.get("charged_method_id")
    cards = saved(view)
    return next((card for card in cards if id in (None, card["id"])), None)  # None: the view of an earlier version


def waits(invoice: Mapping[str, Any] | None, view: View) -> bool:
    """Whether a charge waits for the customer's answer to their bank."""
    return waiting_card(invoice, view) is not None
