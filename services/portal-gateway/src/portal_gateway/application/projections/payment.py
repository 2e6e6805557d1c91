"""The document of a payment: the collection of one invoice."""

from billing_contracts import payments
from billing_contracts.envelope import Envelope
from chassis.projections.projection import Document

_STATES = {
    payments.PaymentStarted.TYPE: "started",
    payments.PaymentSucceeded.TYPE: "succeeded",
    payments.PaymentFailed.TYPE: "failed",
    payments.PaymentOutcomeUnknown.TYPE: "unknown",
    payments.PaymentRefunded.TYPE: "refunded",
}
TYPES = frozenset(_STATES)


def fold(document: Document | None, envelope: Envelope) -> Document:
    """attempt, state (started, succeeded, failed, unknown, refunded)"""
    return {"attempt": envelope.data["attempt"], "state": _STATES[envelope.type]}
