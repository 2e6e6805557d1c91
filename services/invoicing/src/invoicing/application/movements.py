"""The payment history: one movement per fact. The totals of an invoice's movements sum to its balance."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from billing_contracts.envelope import Envelope
from billing_contracts.payments import (
    PaymentDisputeClosed,
    PaymentEvent,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSucceeded,
)
from invoicing.domain.invoice.events import Credited, Event, Issued, Voided
from invoicing.domain.invoice.invoice import Invoice

CREDIT_NOTE = "credit_note"
"""The reason of a refund that settles a credit note."""
CHARGEBACK = "dispute_lost"
"""The reason of a chargeback, by which its row is recognized."""


class Kind(StrEnum):
    INVOICE = "invoice"
    PAYMENT = "payment"
    FAILED_ATTEMPT = "failed_attempt"
    REFUND = "refund"
    VOID = "void"
    CREDIT_NOTE = "credit_note"
    CHARGEBACK = "chargeback"
    """The customer's bank has returned the money after a dispute. The invoice stays paid."""

    @property
    def published(self) -> tuple[str, str | None]:
        """The kind that readers of the first history know, also the previous release, and the precise one if it is newer."""
        older = _OLDER_KINDS.get(self)
        return (older.value, self.value) if older else (self.value, None)


_OLDER_KINDS = {Kind.CREDIT_NOTE: Kind.VOID, Kind.CHARGEBACK: Kind.REFUND}


@dataclass(frozen=True, slots=True)
class Movement:
    """Amounts in minor units: positive is owed, negative is paid, zero for a failed attempt."""

    source: UUID
    """Identifies the fact: the same fact gives the same movement."""
    customer_id: UUID
    invoice_id: UUID
    kind: Kind
    at: datetime
    total: int
    currency: str
    net: int | None = None
    tax: int | None = None
    status: str | None = None
    """`succeeded` or `failed`. None for an invoice: its status is in the table `invoices`."""
    brand: str | None = None
    last4: str | None = None
    reason: str | None = None
    reference: str | None = None
    """The payment provider's reference; for a credit note its number."""
    credit_note_id: UUID | None = None
    """The credit note, of its own movement and of its refund's."""
    backup: bool = False
    """Whether it was made with the customer's backup card."""


def of_invoice(invoice_id: UUID, event: Event, invoice: Invoice) -> Movement | None:
    """The movement of an invoice's event. Payments have theirs from the events of payments."""
    match event:
        case Issued():
            return Movement(
                uuid5(invoice_id, "issued"),
                event.customer_id,
                invoice_id,
                Kind.INVOICE,
                event.at,
                event.totals.total,
                event.currency,
                event.totals.net,
                event.totals.tax,
            )
        case Voided():
            source = uuid5(invoice_id, "voided")
            return Movement(
                source,
                invoice.customer_id,
                invoice_id,
                Kind.VOID,
                event.at,
                -invoice.left,
                invoice.currency,
                reason=event.reason,
            )
        case Credited():
            return Movement(
                event.credit_note_id,
                invoice.customer_id,
                invoice_id,
                Kind.CREDIT_NOTE,
                event.at,
                event.totals.total,
                invoice.currency,
                event.totals.net,
                event.totals.tax,
                reason=event.reason,
                reference=event.number,
                credit_note_id=event.credit_note_id,
            )
        case _:
            return None


def of_payment(envelope: Envelope, event: PaymentEvent) -> Movement | None:
    """The movement of a payment event. None while a charge is under way or its outcome unknown."""
    assert envelope.customerid is not None, "payments belong to customers"
    reason: str | None = None
    credit_note_id: UUID | None = None
    match event:
        case PaymentSucceeded(reference=reference):
            kind, total, status = Kind.PAYMENT, -event.amount.amount_minor, "succeeded"
        case PaymentFailed(reference=reference, code=code):
            kind, total, status = Kind.FAILED_ATTEMPT, 0, "failed"
            reason = "not_confirmed" if event.needs_confirmation else event.detail or code
        case PaymentRefunded(reference=reference, reason=refund_reason):
            kind, total, status = Kind.REFUND, event.amount.amount_minor, "succeeded"
            reason = event.detail or refund_reason
            credit_note_id = event.refund_id if reason == CREDIT_NOTE else None
        case PaymentRefundFailed(reference=reference):
            returned = event.amount.amount_minor if event.made_before else 0
            kind, total, status, reason = Kind.REFUND, -returned, "failed", event.reason
            credit_note_id = event.refund_id if reason == CREDIT_NOTE else None
        case PaymentDisputeClosed(reference=reference, returned=True):
            kind, total, status, reason = Kind.CHARGEBACK, event.amount.amount_minor, "succeeded", CHARGEBACK
        case _:
            return None
    used = event.payment_method
    return Movement(
        envelope.id,
        envelope.customerid,
        event.invoice_id,
        kind,
        envelope.time,
        total,
        event.amount.currency,
        status=status,
        brand=used.brand if used else None,
        last4=used.last4 if used else None,
        reason=reason,
        reference=reference,
        credit_note_id=credit_note_id,
        backup=event.backup,
    )
