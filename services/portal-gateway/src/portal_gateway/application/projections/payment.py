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
_CREDIT_NOTE = "credit_note"
TYPES = frozenset({*_STATES, *_SUMS, payments.PaymentRefundRequested.TYPE})


def fold(document: Document | None, envelope: Envelope) -> Document:
    """attempt, state (started, succeeded, failed, unknown, refunded); and the refunds of credit notes in minor units, once there
    are some: refunded, refund_failed. The state `refunded` is that of a voided invoice."""
    data, before = envelope.data, document or {}
    sums = {name: before[name] for name in _SUMS.values() if name in before}
    if envelope.type in _SUMS and _CREDIT_NOTE in (data.get("detail"), data["reason"]):
        name = _SUMS[envelope.type]
        unchanged = {"attempt": data["attempt"], "state": before.get("state", "succeeded")}
        return unchanged | sums | {name: sums.get(name, 0) + data["amount"]["amount_minor"]}
    state = _STATES.get(envelope.type, before.get("state", "succeeded"))
    return {"attempt": data["attempt"], "state": state} | sums
