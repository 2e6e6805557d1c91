"""Disputes, which customers open at their banks, in the stand-in for Stripe."""

import copy
import time

from support.stripe.checks import Values
from support.stripe.documents import fixtures
from support.stripe.standin import Account


def open_dispute(
    account: Account, charge_id: object, *, amount: int | None = None, reason: str = "fraudulent", inquiry: bool = False
) -> Values:
    """The customer contests the paid charge. An inquiry moves no money."""
    [intent] = [each for each in account.intents_of(charge_id) if each["status"] == "succeeded"]
    dispute = account.new(
        "dispute",
        "dp_",
        amount=intent["amount"] if amount is None else amount,
        currency=intent["currency"],
        charge=intent["latest_charge"],
        payment_intent=intent["id"],
        reason=reason,
        status="warning_needs_response",
        balance_transactions=[],
    )
    dispute["evidence_details"].update(due_by=int(time.time()) + 7 * 86400)
    if not inquiry:
        _withdraw(dispute, 1)
    account.event("charge.dispute.created", dispute)
    return dispute


def escalate(account: Account, dispute: Values) -> None:
    """The inquiry becomes a dispute."""
    _withdraw(dispute, 1)
    account.event("charge.dispute.updated", dispute)


def decide(account: Account, dispute: Values, status: str) -> None:
    """The bank decides: `won`, `lost`, `prevented` or `warning_closed`."""
    if status == "won":
        _withdraw(dispute, -1)
    dispute["status"] = status
    account.event("charge.dispute.closed", dispute)


def _withdraw(dispute: Values, sign: int) -> None:
    moved = copy.deepcopy(fixtures()["balance_transaction"]) | {"amount": -sign * dispute["amount"], "type": "adjustment"}
    dispute["balance_transactions"] = [*dispute["balance_transactions"], moved]
    dispute["status"] = "needs_response"
