"""Whether an invoice has a receipt."""

from collections.abc import Mapping
from typing import Any


def is_receipted(movement: Mapping[str, Any]) -> bool:
    """Whether it is a payment for which money was taken: an invoice of zero has none."""
    return bool(movement["kind"] == "payment" and movement["amount"]["amount_minor"] < 0)


def has_receipt(invoice: Mapping[str, Any]) -> bool:
    """`invoice`: as the invoicing service represents it."""
    return any(is_receipted(movement) for movement in invoice.get("movements") or ())
