"""Payments that the customer confirms at their bank: the failed ones that can be confirmed, and the one that waits for it."""

from collections.abc import Mapping
from typing import Any

from portal_gateway.application.view import View
from portal_gateway.domain.view import CardFace, Debt, InvoiceRow


def row_of(view: View, invoice_id: str) -> InvoiceRow | None:
    """None for an invoice older than those in the view."""
    return next((row for row in view.facts["invoices"] if row["id"] == invoice_id), None)


def reason_of(debt: Debt, view: View) -> str:
    """The most precise code of why the debt's last charge failed."""
    row = row_of(view, debt["invoice_id"])
    return (row.get("detail") if row else None) or debt["reason"]


def same_face(one: CardFace, other: CardFace) -> bool:
    return (one["brand"], one["last4"]) == (other["brand"], other["last4"])


def can_be_confirmed(invoice: Mapping[str, Any], failed_with: CardFace | None, view: View) -> bool:
    """Whether the bank wants a confirmation, and the card is still the one on file. `invoice`: a row or the facts of one."""
    card = view.facts["payment_method"]
    return invoice.get("remedy") == "authenticate" and bool(card and failed_with and same_face(card, failed_with))


def waits(invoice: Mapping[str, Any] | None) -> bool:
    """Whether a charge waits for the customer's answer to their bank."""
    return bool(invoice and invoice.get("authenticate_until"))
