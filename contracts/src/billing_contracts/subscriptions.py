"""What the subscriptions service announces on `billing.subscriptions`."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from billing_contracts.envelope import EventData, Instant
from billing_contracts.money import Money
from billing_contracts.shapes import Period, Plan, Shape, Tax


class Status(StrEnum):
    """A subscription's status, after the event that carries it."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    CANCELED = "canceled"
    PAUSED = "paused"


class Feedback(StrEnum):
    """Why a customer cancels, when they say."""

    TOO_EXPENSIVE = "too_expensive"
    MISSING_FEATURES = "missing_features"
    SWITCHED_SERVICE = "switched_service"
    UNUSED = "unused"
    CUSTOMER_SERVICE = "customer_service"
    TOO_COMPLEX = "too_complex"
    LOW_QUALITY = "low_quality"
    OTHER = "other"


CancelMode = Literal["at_period_end", "immediately"]


class LegalIdentity(Shape):
    name: str
    address: str
    tax_id: str | None = None


class Branding(Shape):
    logo_media_id: str | None = None
    colour: str | None = None
    """`#rrggbb`"""
    terms_url: str | None = None
    privacy_url: str | None = None
    contact_email: str | None = None


class Policies(Shape):
    cancel_mode: CancelMode = "at_period_end"
    unpaid_renewal_on_cancel: Literal["void", "keep"] = "void"
    retry_days: tuple[int, ...] = (1, 3, 5, 7)
    """Days after the first failure on which an unpaid renewal is tried again."""
    when_retries_end: Literal["cancel", "unpaid"] = "cancel"


class ApiKey(Shape):
    id: str
    sha256: str
    """Of the whole key, in hex: the key itself is shown once and kept nowhere."""
    scopes: tuple[str, ...] = ("*",)
    revoked: bool = False


class MerchantConfigured(EventData):
    """All that is known of a merchant, each time any of it changes."""

    TYPE = "billing.subscriptions.MerchantConfigured.v1"

    name: str
    legal: LegalIdentity
    locale: str
    time_zone: str
    """IANA: `America/Mexico_City`"""
    branding: Branding = Branding()
    policies: Policies = Policies()
    tax: Tax | None = None
    return_origins: tuple[str, ...] = ()
    """`https://shop.example`: where the portal may lead customers back to, beside the sites of its terms and privacy pages."""
    invoice_series: str
    """Leads every invoice number: `TS` in `TS-000001`."""
    api_keys: tuple[ApiKey, ...] = ()
    sandbox: bool
    clock_offset_seconds: float = 0
    """The merchant's clock is the wall clock plus this; zero but for a test clock."""


class PlanPublished(EventData):
    TYPE = "billing.subscriptions.PlanPublished.v1"

    plan: Plan


class SubscriptionEvent(EventData):
    status: Status
    """After this event."""


class SubscriptionStarted(SubscriptionEvent):
    TYPE = "billing.subscriptions.SubscriptionStarted.v1"

    plan: Plan
    quantity: int = 1
    started_at: Instant
    """The anchor from which every period is computed."""
    period: Period
    time_zone: str | None = None
    """IANA: the zone in which the periods are computed and their dates are shown, also after the merchant changes its own."""


class SubscriptionRenewalDue(SubscriptionEvent):
    """The subscription has entered `period`, the first one included: it is now to be invoiced and paid."""

    TYPE = "billing.subscriptions.SubscriptionRenewalDue.v1"

    plan: Plan
    quantity: int = 1
    period: Period
    period_number: int
    """From 1, without gaps."""
    customer_revision: int
    """The invoice is made out to the customer as of this revision of their profile, or a later one."""
    time_zone: str | None = None
    """As of SubscriptionStarted."""


class SubscriptionRenewed(SubscriptionEvent):
    """The current period is paid."""

    TYPE = "billing.subscriptions.SubscriptionRenewed.v1"

    period: Period
    invoice_id: UUID


class SubscriptionPastDue(SubscriptionEvent):
    """A charge for the current period failed: the first one or a retry."""

    TYPE = "billing.subscriptions.SubscriptionPastDue.v1"

    period: Period
    invoice_id: UUID
    amount: Money
    reason: str
    """The code of PaymentFailed; `not_confirmed` when nothing was tried for want of a confirmation."""
    failed_attempts: int
    next_attempt_at: Instant | None = None
    """Absent when only a new card can help."""
    access_until: Instant


class SubscriptionRetryDue(SubscriptionEvent):
    """The unpaid period's invoice is to be charged again."""

    TYPE = "billing.subscriptions.SubscriptionRetryDue.v1"

    invoice_id: UUID
    retry_number: int
    """From 1."""


class SubscriptionRecovered(SubscriptionEvent):
    """The unpaid period was paid after all."""

    TYPE = "billing.subscriptions.SubscriptionRecovered.v1"

    period: Period
    invoice_id: UUID


class SubscriptionUnpaid(SubscriptionEvent):
    """The retries have ended and the merchant's policy is to wait."""

    TYPE = "billing.subscriptions.SubscriptionUnpaid.v1"

    invoice_id: UUID


class SubscriptionCancellationScheduled(SubscriptionEvent):
    TYPE = "billing.subscriptions.SubscriptionCancellationScheduled.v1"

    mode: CancelMode
    effective_at: Instant
    feedback: Feedback | None = None


class SubscriptionCancellationWithdrawn(SubscriptionEvent):
    TYPE = "billing.subscriptions.SubscriptionCancellationWithdrawn.v1"


class SubscriptionCancelled(SubscriptionEvent):
    """Over. Nothing is charged for a period that starts at `effective_at` or later."""

    TYPE = "billing.subscriptions.SubscriptionCancelled.v1"

    effective_at: Instant
    cause: Literal["customer", "merchant", "payment_failed"]
    feedback: Feedback | None = None
    open_invoices: Literal["void", "keep"] = "void"
    """What becomes of what is still unpaid."""
    unpaid_period: Period | None = None
    """The period that nothing was paid for, as far as the subscription had heard. With `void` its invoice is void even when a
    payment overtook this message: what was taken is given back.
    """
    access_until: Instant | None = None
    """Until when the customer had access: before `effective_at` when it ended unpaid."""
