"""The commands of a payment. The charge id identifies one attempt in all services and at the provider."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from payments.domain.confirmation import Consent
from payments.domain.payment.events import Dispute
from payments.domain.shapes import DisputeOutcome, FailureCode, Method, Money, RefundReason, Remedy


@dataclass(frozen=True, slots=True)
class Collect:
    """Given when the invoice has been issued."""

    invoice_id: UUID
    subscription_id: UUID
    customer_id: UUID
    amount: Money
    method: Method | None
    """The customer's default; None without a card on file."""
    at: datetime
    consent: Consent | None = None
    """The confirmation because of which the period was entered."""
    withheld: bool = False
    """The period was entered because of a confirmation that does not list this charge. No attempt is made."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Given when a retry is due, and when a customer confirmed to pay with a new card."""

    method: Method | None
    at: datetime
    consent: Consent | None = None
    last: bool = False
    """Whether no further retry is planned."""


@dataclass(frozen=True, slots=True)
class PayNow:
    """Requested with a card on file, by the customer or the merchant. Refused while a charge runs."""

    method: Method
    consent: Consent
    at: datetime
    on_session: bool = False
    """Whether the customer is present and can confirm the charge at their bank."""


@dataclass(frozen=True, slots=True)
class RecordAuthenticationNeeded:
    """Given when the provider waits for the customer's answer to their bank."""

    charge_id: UUID
    until: datetime
    """By the wall clock."""
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordSuccess:
    charge_id: UUID
    reference: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordFailure:
    charge_id: UUID
    code: FailureCode
    at: datetime
    reference: str | None = None
    agreed: Method | None = None
    """The card with which the customer has agreed to pay this invoice if the charge fails."""
    final: bool = False
    """No further attempt is made: the invoice was voided."""
    consent: Consent | None = None
    """The confirmation of the agreed card."""
    remedy: Remedy | None = None
    """The remedy that the provider named. None: the usual one for the code."""
    backup: Method | None = None
    """The customer's backup card. It is on file only with the customer's recorded consent."""


@dataclass(frozen=True, slots=True)
class RecordNoAnswer:
    charge_id: UUID
    next_check_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestRefund:
    """Given for a credit note, and when a charge took money for a voided invoice."""

    refund_id: UUID
    amount: Money | None
    """None: all that has not been refunded yet."""
    reason: RefundReason
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordRefund:
    """Given when the provider has made a refund."""

    refund_id: UUID
    reference: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordRefundFailed:
    """Given when the provider has refused a refund for good, and when it reports that one it had made has failed."""

    refund_id: UUID
    code: str
    at: datetime
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class RecordDispute:
    """Given when the provider reports a dispute about a charge, open or closed."""

    charge_id: UUID
    dispute: Dispute
    at: datetime
    outcome: DisputeOutcome | None = None
    """None while it is open."""
    returned: bool = False
    """Whether the customer keeps the money. Only a closed dispute decides that."""


Command: TypeAlias = (
    Collect
    | TryAgain
    | PayNow
    | RecordAuthenticationNeeded
    | RecordSuccess
    | RecordFailure
    | RecordNoAnswer
    | RequestRefund
    | RecordRefund
    | RecordRefundFailed
    | RecordDispute
)
