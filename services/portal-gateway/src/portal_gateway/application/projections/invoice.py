"""The document of an invoice."""

from billing_contracts import invoicing
from billing_contracts.envelope import Envelope
from chassis.projections.projection import Document
from portal_gateway.application.projections.document import Step, fold_from


def fold(document: Document | None, envelope: Envelope) -> Document | None:
    """id, number, issued_on, plan_name, subscription_id, period, total, state (open, paid, void, uncollectible), failed_attempt,
    paid_at, payment_method; credited (minor units, positive) from the first credit note on"""
    return fold_from(invoicing.InvoiceIssued, _STEPS, document, envelope)


def _issued(_: Document, data: Document, envelope: Envelope) -> Document:
    return {
        "id": envelope.subject.removeprefix("invoice-"),
        "plan_name": data["plan"]["name"],
        **{field: data[field] for field in ("number", "issued_on", "subscription_id", "period", "total")},
        "state": "open",
        "failed_attempt": 0,
        "paid_at": None,
        "payment_method": None,
    }


def _paid(document: Document, data: Document, _: Envelope) -> Document:
    return document | {"state": "paid", "paid_at": data["paid_at"], "payment_method": _card_face(data)}


def _payment_failed(document: Document, data: Document, _: Envelope) -> Document:
    return document | {"failed_attempt": data["attempt"], "payment_method": _card_face(data)}


def _voided(document: Document, _: Document, __: Envelope) -> Document:
    return document | {"state": "void"}


def _credited(document: Document, data: Document, _: Envelope) -> Document:
    return document | {"credited": document.get("credited", 0) - data["total"]["amount_minor"]}


def _marked_uncollectible(document: Document, _: Document, __: Envelope) -> Document:
    return document | {"state": "uncollectible"}


def _card_face(data: Document) -> Document | None:
    card = data.get("payment_method")
    return card and {"brand": card["brand"], "last4": card["last4"]}


_STEPS: dict[str, Step] = {
    invoicing.InvoiceIssued.TYPE: _issued,
    invoicing.InvoicePaid.TYPE: _paid,
    invoicing.InvoicePaymentFailed.TYPE: _payment_failed,
    invoicing.InvoiceVoided.TYPE: _voided,
    invoicing.InvoiceMarkedUncollectible.TYPE: _marked_uncollectible,
    invoicing.CreditNoteIssued.TYPE: _credited,
}
TYPES = frozenset(_STEPS)
