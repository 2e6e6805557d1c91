"""What the routes answer with, for the description of the API: fields are only added."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from billing_contracts import shapes, subscriptions
from billing_contracts.money import Money
from subscriptions.domain.events import Feedback

Aggregate = str
"""`subscription-<uuid>`"""


class Credentials(BaseModel):
    """A new API key. It is shown once."""

    id: str
    """Id of what was created: the merchant's after a registration, else the key's."""
    api_key: str
    """The key: `sk_test_…` in a sandbox, `sk_live_…` otherwise. It is stored nowhere and cannot be read again."""


class Key(BaseModel):
    """An API key, without its secret."""

    id: str
    """Id of the key."""
    scopes: list[str]
    """What the key may do. `*` is everything that its merchant may do; no other scope exists yet."""
    revoked: bool
    """True when the key is no longer accepted."""
    current: bool
    """True for the key with which the request was made."""


class KeyPage(BaseModel):
    """The merchant's API keys."""

    items: list[Key]
    """Oldest first; at most 100 revoked ones, the latest."""
    next_cursor: str | None
    """Always null: all keys fit on one page."""


class Merchant(BaseModel):
    """A merchant's settings."""

    id: UUID
    """Id of the merchant."""
    name: str
    """Name as customers see it."""
    legal: subscriptions.LegalIdentity
    """The merchant as the seller on invoices."""
    locale: str
    """BCP 47 language tag that applies to customers without a locale of their own."""
    time_zone: str
    """IANA name. It decides the dates of invoices and of new subscriptions."""
    branding: subscriptions.Branding
    """How the portal looks for the merchant's customers."""
    policies: subscriptions.Policies
    """What happens on cancellation and on unpaid renewals."""
    tax: shapes.Tax | None
    """The tax of plans that have none of their own. Null when the merchant charges no tax."""
    return_origins: list[str]
    """Origins to which the portal may send customers back, in addition to those of the terms and privacy pages."""
    invoice_series: str
    """Prefix of the merchant's invoice numbers: `TS` in `TS-000001`."""
    api_keys: list[subscriptions.ApiKey]
    """The merchant's API keys, without their secrets."""
    sandbox: bool
    """True when the merchant is for tests: no real money moves, and its clock can be moved."""
    clock_offset_seconds: float
    """The merchant's clock minus the wall clock, in seconds. Zero, except in a sandbox with a test clock."""


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


class Picture(BaseModel):
    """A stored picture."""

    media_id: str
    """Id of the picture, for `logo_media_id` and `image_media_id`: SHA-256 of the stored WebP file, in hex."""
    width: int
    """Width in pixels, 512 at most."""
    height: int
    """Height in pixels, 512 at most."""


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


class BegunPeriod(BaseModel):
    """A period that has begun and is not charged yet."""

    invoice_id: UUID
    """Id that the period's invoice will have."""
    period: shapes.Period
    """The period."""
    amount: Money
    """What the period costs, with tax."""


class SettledSubscription(BaseModel):
    """What paying an unpaid period does to its subscription."""

    subscription_id: UUID
    """The subscription."""
    invoice_id: UUID
    """The invoice of the unpaid period."""
    effect: Literal["starts", "continues", "ends", "settles"]
    """What becomes of the subscription: it becomes active with its first payment, it continues, it ends at its scheduled
    cancellation, or it stays ended and only the debt is paid.
    """
    period: shapes.Period
    """The unpaid period."""
    until: datetime | None
    """When the subscription renews or ends after the payment. Null when it is over."""
    begun: list[BegunPeriod]
    """Later periods that have begun, and are charged because of the payment."""
    more: bool
    """True when more periods have begun than are listed."""


class PaymentPreview(BaseModel):
    """What paying would do to each of the customer's subscriptions with an unpaid period."""

    at: datetime
    """The instant that the answer is computed for, by the merchant's clock."""
    subscriptions: list[SettledSubscription]
    """One for each subscription with an unpaid period."""


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
