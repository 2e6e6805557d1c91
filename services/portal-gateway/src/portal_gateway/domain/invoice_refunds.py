"""What has become of the refunds of a paid invoice."""

from collections.abc import Mapping
from typing import Any, Literal

RefundStatus = Literal["refund_underway", "refund_failed", "partly_refunded"]


def refund_status(invoice: Mapping[str, Any]) -> RefundStatus | None:
    """None without a credit note, and once the whole invoice is refunded, which is a status of its own.

    `invoice`: a row of the view, or the invoice as the invoicing service represents it, with its credit notes.
    """
    credited, refunded, failed = (_minor(invoice, name) for name in ("credited", "refunded", "refund_failed"))
    if invoice["status"] != "paid" or not credited:
        return None
    if credited > refunded + failed:
        return "refund_underway"
    return "refund_failed" if failed else "partly_refunded"


def _minor(invoice: Mapping[str, Any], name: str) -> int:
    amount = invoice.get(name)
    if amount is None and name == "refund_failed":
        notes = invoice.get("credit_notes") or ()
        return -sum(int(note["total"]["amount_minor"]) for note in notes if note["refund"]["status"] == "failed")
    return int(amount["amount_minor"]) if amount else 0
