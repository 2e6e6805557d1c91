"""What the routes answer with, for the description of the API: fields are only added."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from billing_contracts import shapes, subscriptions
from billing_contracts.money import Money

Aggregate = str
"""`subscription-<uuid>`"""


class Credentials(BaseModel):
    """Shown once."""

    id: str
    api_key: str


class Key(BaseModel):
    id: str
    scopes: list[str]
    revoked: bool
    current: bool
    """Whether the request was made with it."""


class KeyPage(BaseModel):
    items: list[Key]
    next_cursor: str | None


class Merchant(BaseModel):
    id: UUID
    name: str
    legal: subscriptions.LegalIdentity
    locale: str
    time_zone: str
    branding: subscriptions.Branding
    policies: subscriptions.Policies
    tax: shapes.Tax | None
    return_origins: list[str]
    invoice_series: str
    api_keys: list[subscriptions.ApiKey]
    sandbox: bool
    clock_offset_seconds: float


class PlanPage(BaseModel):
    items: list[shapes.Plan]
    next_cursor: str | None


class Customer(BaseModel):
    id: UUID
    revision: int
    name: str
    email: str
    locale: str | None
    country: str | None
    tax_id: str | None
    address: str | None


class Picture(BaseModel):
    media_id: str
    width: int
    height: int


class Accepted(BaseModel):
    aggregate: Aggregate
    version: int


class CancellationAccepted(Accepted):
    effective_at: datetime | None
    access_until: datetime
    mode: Literal["at_period_end", "immediately"] | None
    card_number_removed: Literal[True] | None = None
    """Present where the comment held a card number, which was not stored."""


class CancellationPreview(BaseModel):
    mode: Literal["at_period_end", "immediately"]
    effective_at: datetime
    access_until: datetime
    open_amount: Money | None
    open_invoices: Literal["void", "keep"] | None
    paid_until: datetime | None
    """The end of the paid period, where the access ends before it."""


class ScheduledCancellation(BaseModel):
    mode: Literal["at_period_end"]
    effective_at: datetime
    feedback: str | None


class Debt(BaseModel):
    invoice_id: UUID
    amount: Money
    reason: str
    failed_attempts: int
    next_attempt_at: datetime | None
    access_until: datetime


class Subscription(BaseModel):
    id: UUID
    version: int
    customer_id: UUID
    status: subscriptions.Status
    plan: shapes.Plan
    quantity: int
    started_at: datetime
    current_period: shapes.Period
    cancellation: ScheduledCancellation | None
    debt: Debt | None
    ended_at: datetime | None


class StartedSubscription(Subscription):
    aggregate: Aggregate


class BegunPeriod(BaseModel):
    invoice_id: UUID
    """That its invoice will have."""
    period: shapes.Period
    amount: Money


class SettledSubscription(BaseModel):
    subscription_id: UUID
    invoice_id: UUID
    effect: Literal["starts", "continues", "ends", "settles"]
    period: shapes.Period
    until: datetime | None
    begun: list[BegunPeriod]
    """Later periods that have begun, and are charged because of the payment."""
    more: bool
    """Whether more have begun than are listed."""


class PaymentPreview(BaseModel):
    at: datetime
    subscriptions: list[SettledSubscription]


class TestClock(BaseModel):
    now: datetime
    to: datetime | None
    at_rest: bool
    running: list[Aggregate]


class Stream(BaseModel):
    aggregate: Aggregate
    events: list[dict[str, Any]]
    """CloudEvents, as subscribers get them."""
    next_cursor: str | None
