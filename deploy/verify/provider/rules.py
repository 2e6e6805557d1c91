"""What must hold between an object at Stripe and the row of payments. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from payments.adapters.stripe.currencies import NotChargeable, to_stripe
from payments.domain.shapes import Money
from verify.rows import Row

GRACE = timedelta(hours=1)
"""How long the outcome of an object may be unknown to payments: longer than any pause between two requests about it."""
_TAKES_MONEY = ("succeeded", "processing", "requires_capture", "requires_action")
_GIVES_BACK = ("succeeded", "pending", "requires_action")


def of_intent(intent: Mapping[str, Any], row: Row | None, now: float) -> str | None:
    """The difference. `row`: the attempt that the intent names, with its stored intent. Seconds since 1970."""
    id, status, charge_id = intent["id"], intent["status"], names(intent, "charge_id")
    if row is None:
        unknown = charge_id is not None and status in _TAKES_MONEY
        return f"{id} is {status} at Stripe for charge {charge_id}, which payments does not have" if unknown else None
    what, ours = f"charge {row['charge_id']}", row["status"]
    if row["stored"] != id:
        return f"{what} has {id}, {status} at Stripe, beside {row['stored']}" if status in _TAKES_MONEY else None
    if not same_amount(intent, row) or (status == "succeeded" and intent["amount_received"] != intent["amount"]):
        taken = intent["amount_received"] if status == "succeeded" else intent["amount"]
        return f"{what} is of {row['amount_minor']} {row['currency']}, {id} of {taken} {intent['currency']} in Stripe's units"
    if status == "succeeded":
        if ours == "succeeded":
            return None if row["reference"] == id else f"{what} succeeded with {row['reference']}, at Stripe with {id}"
        return f"{what} succeeded at Stripe ({id}), and is {ours} in payments" if ours == "failed" or late(intent, now) else None
    if ours == "succeeded":
        return f"{what} succeeded in payments, and is {status} at Stripe ({id})"
    return f"{what} failed in payments, and {id} is {status} at Stripe" if ours == "failed" and status != "canceled" else None


def of_refund(refund: Mapping[str, Any], row: Row | None, charge_id: object, now: float) -> str | None:
    """The difference. `row`: the refund that the object names. `charge_id`: our charge that it refunds, if it is one."""
    id, status = refund["id"], refund["status"]
    if row is None:
        unknown = charge_id is not None and status in _GIVES_BACK
        return f"{id} of charge {charge_id} is {status} at Stripe, and payments does not have it" if unknown else None
    what, ours = f"refund {row['refund_id']}", row["status"]
    if row["reference"] not in (None, id):
        return f"{what} has {id}, {status} at Stripe, beside {row['reference']}" if status in _GIVES_BACK else None
    if not same_amount(refund, row):
        stripes = f"{refund['amount']} {refund['currency']} in Stripe's units"
        return f"{what} is of {row['amount_minor']} {row['currency']}, {id} of {stripes}"
    expected = {"succeeded": "made", "failed": "failed", "canceled": "failed"}.get(status, "requested")
    if ours == expected or (ours == "requested" and not late(refund, now)):
        return None
    return f"{what} is {status} at Stripe ({id}), and {ours} in payments"


def names(object: Mapping[str, Any], field: str) -> str | None:
    """Our id in the object's metadata."""
    named = (object.get("metadata") or {}).get(field)
    return named if isinstance(named, str) else None


def same_amount(object: Mapping[str, Any], row: Row) -> bool:
    try:
        amount = to_stripe(Money(row["amount_minor"], row["currency"]))
    except NotChargeable:
        return False
    return bool((amount, row["currency"].lower()) == (object["amount"], object["currency"]))


def late(object: Mapping[str, Any], now: float) -> bool:
    return bool(object["created"] < now - GRACE.total_seconds())
