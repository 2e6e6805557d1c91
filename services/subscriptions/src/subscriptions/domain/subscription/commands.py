"""What can be asked of a subscription. Time comes in with the question: the domain owns no clock."""

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
    """The anchor: now, or before now; each period since is billed in order."""
    at: datetime
    objection: Refusal | None = None
    """To the price, found where currencies and taxes are known."""


@dataclass(frozen=True, slots=True)
class ReachBoundary:
    """Asked by the billing clock when the current period ends, or a cancellation is due."""

    customer_revision: int
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordPaid:
    """The invoice of `period` has been paid."""

    period: Period
    invoice_id: UUID
    at: datetime
    agreed_at: datetime | None = None
    """When the customer confirmed the charge, which may take long. What they were told then holds."""


@dataclass(frozen=True, slots=True)
class RecordWaived:
    """The merchant has voided an open invoice of the subscription: nobody owes it any more."""

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
    """False: only another card can help."""
    attempt: int
    """From 1, per invoice."""
    policies: Policies
    at: datetime
    followed: bool = False
    """Whether the next attempt has begun already, with a card that the customer agreed to meanwhile."""
    manual: bool = False
    """Whether the attempt was asked for with the card on file: the schedule of retries stays as it is."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Asked by the billing clock when an unpaid period is to be charged again."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Asked by the billing clock when no new card came in time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    mode: CancelMode
    by: Literal["customer", "merchant"]
    open_invoices: OpenInvoices
    """What becomes of what is unpaid when the cancellation takes effect."""
    at: datetime
    feedback: Feedback | None = None


@dataclass(frozen=True, slots=True)
class WithdrawCancellation:
    at: datetime


Command: TypeAlias = (
    Start | ReachBoundary | RecordPaid | RecordWaived | RecordFailure | Retry | GiveUp | Cancel | WithdrawCancellation
)
