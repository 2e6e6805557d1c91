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
TYPES = frozenset(_STATES)


def fold(document: Document | None, envelope: Envelope) -> Document:
    """attempt, state (started, waiting, succeeded, failed, unknown, refunded); of a failed attempt also remedy and detail where
    the event has them; of one that waits for the customer authenticate_until
    """
    data, state = envelope.data, _STATES[envelope.type]
    if envelope.type == payments.PaymentAuthenticationRequired.TYPE:
        until = data.get("until")
        if until is None:  # the attempt has failed: a new one can wait
            return {"attempt": data["attempt"], "state": "failed", "remedy": "authenticate", "detail": "authentication_required"}
        return {"attempt": data["attempt"], "state": state, "authenticate_until": until}
    more = {field: data[field] for field in ("remedy", "detail") if data.get(field)}
    return {"attempt": data["attempt"], "state": state, **more}
