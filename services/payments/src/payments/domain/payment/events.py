"""The events of a payment, in their usual order."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from payments.domain.confirmation import Consent
from payments.domain.shapes import DisputeOutcome, FailureCode, Method, Money, RefundReason, Remedy


@dataclass(frozen=True, slots=True)
class Bill:
    """The amount to collect, and its customer."""

    invoice_id: UUID
    subscription_id: UUID
    customer_id: UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt to take the money."""

    id: UUID
    number: int
    """Number of the attempt, from 1 per invoice."""
    method: Method | None
    consent: Consent | None = None
    """The confirmation that it follows from; None for renewals and retries."""
    manual: bool = False
    """Whether it was requested with a card on file."""
    on_session: bool = False
    """Whether the customer is present. Only such a charge may wait until the customer has answered their bank."""
    last: bool = False
    """Whether it is the last retry of the merchant's schedule."""
    backup: bool = False
    """Whether it is made with the customer's backup card, after the default has failed."""


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    bill: Bill
    charge: Charge
    at: datetime


@dataclass(frozen=True, slots=True)
class AttemptSucceeded:
    charge: Charge
    reference: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    bill: Bill
    charge: Charge
    code: FailureCode
    retryable: bool
    reference: str | None
    at: datetime
    followed: bool = False
    """Whether the next attempt has begun in the same decision, with a card that the customer had agreed to."""
    needs_confirmation: bool = False
    """Whether no attempt was made because no confirmation lists the charge."""
    remedy: Remedy | None = None
    """What can make the payment succeed. None in older events, and if none of the remedies helps."""


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """The provider did not answer in time. It may have taken the money, or not."""

    charge: Charge
    next_check_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class AuthenticationNeeded:
    """The customer's bank wants the customer to confirm the payment."""

    charge: Charge
    until: datetime | None
    """Until when the open attempt waits, by the wall clock. None: the attempt has failed; a new one, on session, can wait."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Refund:
    """One repayment, of all or a part of what a charge took."""

    id: UUID
    amount: Money
    reason: RefundReason


@dataclass(frozen=True, slots=True)
class RefundRequested:
    """The intent. It is stored before the provider is called."""

    charge: Charge
    refund: Refund
    at: datetime


@dataclass(frozen=True, slots=True)
class Refunded:
    charge: Charge
    reference: str
    at: datetime
    refund: Refund | None = None
    """None in older events: the whole amount, for a voided invoice."""


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """The provider refused the refund for good, or the customer's bank returned it. The merchant has the money."""

    charge: Charge
    refund: Refund
    code: str
    """The provider's code."""
    reference: str | None
    at: datetime
    made_before: bool = False
    """Whether the provider had reported that the refund was made."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """The customer has contested the charge at their bank."""

    id: UUID
    amount: Money
    """What is disputed. It may differ from what the charge took."""
    reason: str
    """The provider's code."""
    reference: str
    """The provider's id."""
    inquiry: bool
    """Whether the bank only asks: no money has moved."""
    respond_by: datetime | None
    """Until when the merchant can send evidence to the provider, by the wall clock. None: it cannot, or needs not."""


@dataclass(frozen=True, slots=True)
class DisputeOpened:
    """Occurs again when the bank's inquiry becomes a dispute."""

    charge: Charge
    dispute: Dispute
    at: datetime


@dataclass(frozen=True, slots=True)
class DisputeClosed:
    charge: Charge
    dispute: Dispute
    outcome: DisputeOutcome
    returned: bool
    """Whether the customer keeps the money."""
    at: datetime


Event: TypeAlias = (
    AttemptStarted
    | AttemptSucceeded
    | AttemptFailed
    | OutcomeUnknown
    | AuthenticationNeeded
    | RefundRequested
    | Refunded
    | RefundFailed
    | DisputeOpened
    | DisputeClosed
)
