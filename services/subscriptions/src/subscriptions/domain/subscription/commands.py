"""The commands of a subscription. Each carries its time: the domain has no clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from subscriptions.domain.dunning import CancelMode, OpenInvoices, Policies
from subscriptions.domain.period import Period
from subscriptions.domain.plan.terms import Money, Plan
from subscriptions.domain.subscription.events import Feedback
from subscriptions.domain.subscription.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Start:
    customer_id: UUID
    customer_revision: int
    plan: Plan
    quantity: int
    zone: str
    started_at: datetime
    """The start of the first period, now or in the past. Each period since then is billed in order."""
    at: datetime
    objection: Refusal | None = None
    """The reason why the price cannot be sold, found where currencies and taxes are known."""


@dataclass(frozen=True, slots=True)
class ReachBoundary:
    """Given by a timer when the current period ends, or a cancellation is due."""

    customer_revision: int
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordPaid:
    """The invoice of `period` has been paid."""

    period: Period
    invoice_id: UUID
    at: datetime
    agreed_at: datetime | None = None
    """When the customer confirmed the charge. What was shown then holds, however long the charge takes."""


@dataclass(frozen=True, slots=True)
class RecordWaived:
    """The merchant has voided an open invoice of the subscription: it is no longer owed."""

    invoice_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """An attempt to charge the invoice of `period` has failed."""

    period: Period
    invoice_id: UUID
    amount: Money
    reason: str
    retryable: bool
    """False if only another card can succeed."""
    attempt: int
    """Number of the attempt, from 1 per invoice."""
    policies: Policies
    at: datetime
    followed: bool = False
    """Whether the next attempt has begun already, with another card that the customer has confirmed."""
    manual: bool = False
    """Whether the attempt was requested with the card on file. It leaves the schedule of retries unchanged."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Given by a timer when an unpaid period is to be charged again."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Given by a timer when the dunning has ended without a payment."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    mode: CancelMode
    by: Literal["customer", "merchant"]
    open_invoices: OpenInvoices
    """What happens to unpaid invoices when the cancellation takes effect."""
    at: datetime
    feedback: Feedback | None = None


@dataclass(frozen=True, slots=True)
class WithdrawCancellation:
    at: datetime


Command: TypeAlias = (
    Start | ReachBoundary | RecordPaid | RecordWaived | RecordFailure | Retry | GiveUp | Cancel | WithdrawCancellation
)
