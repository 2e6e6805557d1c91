"""The status of an invoice for its customer: a charge without a card was never tried."""

from collections.abc import Mapping
from typing import Any, Final, cast

from portal_gateway.domain.view import InvoiceStatus

UNTRIED: Final = frozenset({"no_payment_method", "not_confirmed"})
"""Reasons of a failed attempt for which no card was charged."""


def status_of(invoice: Mapping[str, Any]) -> InvoiceStatus:
    """`open` instead of `failed` if no card was charged.

    `invoice`: a row of the view, or the invoice as the invoicing service represents it, with its movements.
    """
    status = cast(InvoiceStatus, invoice["status"])
    return "open" if status == "failed" and not _was_tried(invoice) else status


def _was_tried(invoice: Mapping[str, Any]) -> bool:
    """By the last failed attempt; of a row, by the card that the view stores."""
    attempts = [it for it in invoice.get("movements") or () if it["kind"] == "failed_attempt"]
    return attempts[-1].get("reason") not in UNTRIED if attempts else invoice["payment_method"] is not None
