"""What the routes answer with, for the description of the API: fields are only added."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from billing_contracts import shapes, subscriptions
from billing_contracts.money import Money
from subscriptions.domain.subscription.events import Feedback

Aggregate = str
"""`subscription-<uuid>`"""


class PlanPage(BaseModel):
    """A page of plans."""

    items: list[shapes.Plan]
    """In the order in which they were created."""
    next_cursor: str | None
    """Cursor of the next page; null on the last one."""


class Customer(BaseModel):
    """A customer's profile."""

    id: UUID
    """Id of the customer. It is the same in all services."""
    revision: int
    """Increases by one with each change of the profile. Invoices name the revision that they were made out to."""
    name: str
    """Name as printed on invoices."""
    email: str
    """E-mail address."""
    locale: str | None
    """BCP 47 language tag of the customer's page and invoices. Null: the merchant's."""
    country: str | None
    """ISO 3166-1 alpha-2 code."""
    tax_id: str | None
    """Tax number, as printed on invoices."""
    address: str | None
    """Postal address, as printed on invoices. It may contain line breaks."""
    purchase_order: str | None
    """The buyer's purchase order or other reference, as printed on invoices."""


class Accepted(BaseModel):
    """A command that was carried out."""

    aggregate: Aggregate
    """The aggregate that changed, as `<kind>-<uuid>`: the `subject` of its events."""
    version: int
    """The aggregate's version after the change: the `sequence` of its latest event."""


class CancellationAccepted(Accepted):
    """A cancellation that took effect or is scheduled."""

    effective_at: datetime
    """When the subscription ends, by the merchant's clock."""
    access_until: datetime
    """Until when the customer has access. It precedes `effective_at` when the period is unpaid."""
    mode: Literal["at_period_end", "immediately"]
    """How the subscription ends."""
    card_number_removed: Literal[True] | None = None
    """True when the comment contained a card number, which was removed before the comment was stored. Absent otherwise."""


class CancellationWithdrawn(Accepted):
    """A scheduled cancellation that was withdrawn: the subscription continues."""

    effective_at: None
    """Always null: the subscription no longer ends."""
    mode: None
    """Always null."""


class CancellationPreview(BaseModel):
    """What a cancellation would do."""

    mode: Literal["at_period_end", "immediately"]
    """How the subscription would end."""
    effective_at: datetime
    """When it would end."""
    access_until: datetime
    """Until when the customer would have access."""
    open_amount: Money | None
    """What is unpaid of the current period. Null when nothing is."""
    open_invoices: Literal["void", "keep"] | None
    """What would happen to the unpaid invoice. Null when there is none."""
    paid_until: datetime | None
    """End of the paid period, when the access ends before it. Null otherwise."""


class ScheduledCancellation(BaseModel):
    """A cancellation that takes effect later."""

    mode: Literal["at_period_end"]
    """How the subscription ends."""
    effective_at: datetime
    """When it ends."""
    feedback: Feedback | None
    """The reason that was chosen. Null when none was."""


class Debt(BaseModel):
    """The current period, when a charge for it failed."""

    invoice_id: UUID
    """The unpaid invoice."""
    amount: Money
    """What is owed."""
    reason: str
    """Why the last attempt failed: the code of PaymentFailed, or `not_confirmed`."""
    failed_attempts: int
    """How many attempts failed."""
    next_attempt_at: datetime | None
    """When the next attempt is due. Null when only another card or a payment by the customer can help."""
    access_until: datetime
    """When the customer loses access unless the period is paid."""


class Subscription(BaseModel):
    """A subscription as it is now."""

    id: UUID
    """Id of the subscription."""
    version: int
    """Increases by one with each event of the subscription."""
    customer_id: UUID
    """The customer who subscribed."""
    status: subscriptions.Status
    """The subscription's status."""
    plan: shapes.Plan
    """The plan, as it was when the subscription started."""
    quantity: int
    """How many units of the plan."""
    started_at: datetime
    """Start of the first period, from which every later period is computed."""
    current_period: shapes.Period
    """The period that contains the present."""
    cancellation: ScheduledCancellation | None
    """The scheduled cancellation. Null when none is scheduled."""
    debt: Debt | None
    """What is owed for the current period. Null while no charge for it has failed."""
    ended_at: datetime | None
    """When the subscription ended. Null while it has not."""


class StartedSubscription(Subscription):
    """A subscription that has just started. Its first invoice and charge follow within seconds."""

    aggregate: Aggregate
    """The subscription's aggregate, as `subscription-<uuid>`: the `subject` of its events."""


class TestClock(BaseModel):
    """A sandbox's clock."""

    now: datetime
    """The merchant's present."""
    to: datetime | None
    """Where the clock was last sent. Null when it was never moved."""
    at_rest: bool
    """True when everything that was due has been done: `running` is empty."""
    running: list[str]
    """The aggregates with work under way: subscriptions with a charge, and the merchant while its clock moves."""


class Stream(BaseModel):
    """The events of one aggregate."""

    aggregate: Aggregate
    """The aggregate."""
    events: list[dict[str, Any]]
    """CloudEvents as subscribers receive them, oldest first. `contracts/asyncapi.yaml` describes them."""
    next_cursor: str | None
    """Cursor of the next page; null on the last one."""
