"""The events of a subscription, in their usual order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias
from uuid import UUID

from subscriptions.domain.dunning import Dunning, OpenInvoices
from subscriptions.domain.period import Period
from subscriptions.domain.plan.terms import Money, Plan

Cause = Literal["customer", "merchant", "payment_failed"]


class Feedback(StrEnum):
    TOO_EXPENSIVE = "too_expensive"
    MISSING_FEATURES = "missing_features"
    SWITCHED_SERVICE = "switched_service"
    UNUSED = "unused"
    CUSTOMER_SERVICE = "customer_service"
    TOO_COMPLEX = "too_complex"
    LOW_QUALITY = "low_quality"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Started:
    customer_id: UUID
    plan: Plan
    quantity: int
    zone: str
    period: Period
    at: datetime


@dataclass(frozen=True, slots=True)
class RenewalDue:
    """The subscription has entered `period`, which is to be invoiced and paid."""

    period: Period
    number: int
    customer_revision: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Renewed:
    """The period is paid, or its invoice waived."""

    invoice_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class FellPastDue:
    """A charge of the period failed: the first one, a retry, or one with a new card."""

    invoice_id: UUID
    amount: Money
    reason: str
    failed_attempts: int
    next_attempt_at: datetime | None
    dunning: Dunning
    at: datetime
    trying: bool = False
    """Whether the next attempt has begun already."""


@dataclass(frozen=True, slots=True)
class RetryDue:
    invoice_id: UUID
    number: int
    at: datetime
    last: bool = False
    """Whether no further retry is planned."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """The unpaid period has been paid, or its invoice waived."""

    invoice_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class WentUnpaid:
    invoice_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class CancellationScheduled:
    effective_at: datetime
    by: Literal["customer", "merchant"]
    feedback: Feedback | None
    open_invoices: OpenInvoices
    at: datetime


@dataclass(frozen=True, slots=True)
class CancellationWithdrawn:
    at: datetime


@dataclass(frozen=True, slots=True)
class Cancelled:
    effective_at: datetime
    cause: Cause
    feedback: Feedback | None
    open_invoices: OpenInvoices
    at: datetime
    access_until: datetime | None = None
    """End of access, if it was earlier than the end of the subscription: a debt was paid after its period."""


Event: TypeAlias = (
    Started
    | RenewalDue
    | Renewed
    | FellPastDue
    | RetryDue
    | Recovered
    | WentUnpaid
    | CancellationScheduled
    | CancellationWithdrawn
    | Cancelled
)
