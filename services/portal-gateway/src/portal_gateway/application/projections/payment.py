"""The document of a payment: the collection of one invoice."""

from billing_contracts import payments
from billing_contracts.envelope import Envelope
from chassis.projections.projection import Document

_STATES = {
    payments.PaymentStarted.TYPE: "started",
    payments.PaymentSucceeded.TYPE: "succeeded",
    payments.PaymentFailed.TYPE: "failed",
    payments.PaymentOutcomeUnknown.TYPE: "unknown",
    payments.PaymentAuthenticationRequired.TYPE: "waiting",
    payments.PaymentRefunded.TYPE: "refunded",
}
_SUMS = {payments.PaymentRefunded.TYPE: "refunded", payments.PaymentRefundFailed.TYPE: "refund_failed"}
_CREDIT_NOTE, _CHARGED_BACK = "credit_note", "charged_back"
_ACTIONABLE = ("failed", "waiting")
"""States in which the person who pays may have to confirm a charge at their bank."""
_DISPUTES = (payments.PaymentDisputed.TYPE, payments.PaymentDisputeClosed.TYPE)
TYPES = frozenset({*_STATES, *_SUMS, payments.PaymentRefundRequested.TYPE, *_DISPUTES})


def fold(document: Document | None, envelope: Envelope) -> Document:
    """attempt, state (started, waiting, succeeded, failed, unknown, refunded); of a failed attempt also remedy and detail where
    the event has them; of one that waits for the customer authenticate_until; of both charge_id and charged_method_id; and, once
    there are some, in minor units the refunds of credit notes (refunded, refund_failed) and what a bank returned after a dispute
    (charged_back). The state `refunded` is that of a voided invoice, until its refund has failed.
    """
    data, before = envelope.data, document or {}
    sums = {name: before[name] for name in (*_SUMS.values(), _CHARGED_BACK) if name in before}
    if (name := _sum_of(envelope)) is not None:
        unchanged, minor = {"attempt": data["attempt"], "state": before.get("state", "succeeded")}, data["amount"]["amount_minor"]
        if data.get("made_before"):
            sums["refunded"] = sums.get("refunded", 0) - minor
        return unchanged | sums | {name: sums.get(name, 0) + minor}
    state = "succeeded" if data.get("made_before") else _STATES.get(envelope.type, before.get("state", "succeeded"))
    if envelope.type == payments.PaymentAuthenticationRequired.TYPE:
        until = data.get("until")
        if until is None:  # the attempt has failed: a new one can wait
            state, more = "failed", {"remedy": "authenticate", "detail": "authentication_required"}
        else:
            more = {"authenticate_until": until}
    else:
        more = {field: data[field] for field in ("remedy", "detail") if envelope.type in _STATES and data.get(field)}
    if state in _ACTIONABLE and envelope.type in _STATES:
        more["charge_id"] = data["charge_id"]
        if card := data.get("payment_method"):
            more["charged_method_id"] = card["id"]
    return {"attempt": data["attempt"], "state": state} | more | sums


def _sum_of(envelope: Envelope) -> str | None:
    """The sum that the event's amount is added to. None if it changes the state."""
    data = envelope.data
    if envelope.type == payments.PaymentDisputeClosed.TYPE:
        return _CHARGED_BACK if data["returned"] else None
    return _SUMS.get(envelope.type) if _CREDIT_NOTE in (data.get("detail"), data.get("reason")) else None
