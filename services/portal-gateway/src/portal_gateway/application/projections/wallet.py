"""The document of a customer's wallet."""

from billing_contracts import payments
from billing_contracts.envelope import Envelope
from chassis.projections.projection import Document
from portal_gateway.application.projections.document import Step


def fold(document: Document | None, envelope: Envelope) -> Document:
    """payment_method: the default card, or null"""
    return _STEPS[envelope.type](document or {"payment_method": None}, envelope.data, envelope)


def _updated(_: Document, data: Document, __: Envelope) -> Document:
    return {"payment_method": data["payment_method"]}


def _confirmed(document: Document, _: Document, __: Envelope) -> Document:
    return document  # the outcome arrives with the events of the charge


def _removed(document: Document, data: Document, _: Envelope) -> Document:
    card = document["payment_method"]
    return {"payment_method": None if card and card["id"] == data["payment_method_id"] else card}


_STEPS: dict[str, Step] = {
    payments.PaymentMethodUpdated.TYPE: _updated,
    payments.PaymentMethodRemoved.TYPE: _removed,
    payments.PaymentConfirmed.TYPE: _confirmed,
}
TYPES = frozenset(_STEPS)
