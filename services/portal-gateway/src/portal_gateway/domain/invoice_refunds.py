"""What went back of the money that paid an invoice: refunds, and what a bank returned after a dispute."""

from collections.abc import Mapping
from typing import Any, Literal

RefundStatus = Literal["refund_underway", "refund_failed", "partly_refunded", "charged_back"]


def refund_status(invoice: Mapping[str, Any]) -> RefundStatus | None:
    """None if nothing went back, and once the whole invoice is refunded, which is a status of its own.

    A bank that has returned money decides the status, also if something was refunded beside it.

    `invoice`: a row of the view, or the invoice as the invoicing service represents it, with its credit notes.
    """
    credited, refunded, failed = (_minor(invoice, name) for name in ("credited", "refunded", "refund_failed"))
    if invoice["status"] == "paid" and _was_charged_back(invoice):
        return "charged_back"
    if invoice["status"] != "paid" or not credited:
        return None
    if credited > refunded + failed:
        return "refund_underway"
    return "refund_failed" if failed else "partly_refunded"


def _was_charged_back(invoice: Mapping[str, Any]) -> bool:
    return "charged_back" in invoice or any(it.get("detail") == "chargeback" for it in invoice.get("movements") or ())


def _minor(invoice: Mapping[str, Any], name: str) -> int:
    amount = invoice.get(name)
    if amount is None and name == "refund_failed":
        notes = invoice.get("credit_notes") or ()
        return -sum(int(note["total"]["amount_minor"]) for note in notes if note["refund"]["status"] == "failed")
    return int(amount["amount_minor"]) if amount else 0
