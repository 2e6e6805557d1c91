"""Events of the subscriptions service on `billing.subscriptions`.

Three kinds of aggregate: `merchant-<uuid>`, `plan-<uuid>` and `subscription-<uuid>`.
"""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from billing_contracts.envelope import EventData, Instant
from billing_contracts.money import Money
from billing_contracts.shapes import Period, Plan, Shape, Tax


class Status(StrEnum):
    """Status of a subscription.

    - `incomplete`: started, and no period has been paid yet.
    - `incomplete_expired`: never became active. No service uses it yet.
    - `trialing`: in a trial. No service uses it yet.
    - `active`: the current period is paid, or its first charge is under way.
    - `past_due`: a charge of the current period failed; it is retried.
    - `unpaid`: the retries ended and the merchant's policy keeps the subscription. Nothing is charged until the customer pays.
    - `canceled`: ended. No other status follows.
    - `paused`: nothing is charged. No service uses it yet.
    """

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    CANCELED = "canceled"
    PAUSED = "paused"


class Feedback(StrEnum):
    """Why a customer cancels, chosen from a list."""

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
    """The merchant as the seller on invoices."""

    name: str
    """Legal name of the company."""
    address: str
    """Postal address. It may contain line breaks."""
    tax_id: str | None = None
    """Tax number of the company."""
    country: Annotated[str | None, Field(examples=["US"])] = None
    """ISO 3166-1 alpha-2 code of the company's country. It decides how invoices label the tax number: RFC in Mexico."""


class Branding(Shape):
    """How the portal looks for the merchant's customers."""

    logo_media_id: str | None = None
    """Id of the logo: SHA-256 of the file in hex. The merchant's name is shown when absent."""
    colour: str | None = None
    """Accent colour, as `#rrggbb`."""
    terms_url: str | None = None
    """Address of the merchant's terms of service."""
    privacy_url: str | None = None
    """Address of the merchant's privacy notice."""
    contact_email: str | None = None
    """E-mail address at which customers reach the merchant."""


class Policies(Shape):
    """What the merchant has decided about cancelling and about unpaid renewals."""

    cancel_mode: CancelMode = "at_period_end"
    """When a customer's cancellation takes effect: at the end of the period, or immediately."""
    unpaid_renewal_on_cancel: Literal["void", "keep"] = "void"
    """What happens to unpaid invoices when a subscription is cancelled: they are voided, or stay owed."""
    retry_days: tuple[int, ...] = (1, 3, 5, 7)
    """Days after the first failure on which an unpaid renewal is charged again."""
    when_retries_end: Literal["cancel", "unpaid"] = "cancel"
    """What happens after the last retry: the subscription is cancelled, or it stays with the status `unpaid`."""


class ApiKey(Shape):
    """One of the merchant's API keys, without the key."""

    id: str
    """Id of the key."""
    sha256: str
    """SHA-256 of the whole key, in hex. The key is shown once, when it is created, and stored nowhere."""
    scopes: tuple[str, ...] = ("*",)
    """What the key may do; `*` is everything."""
    revoked: bool = False
    """True when the key is no longer accepted."""


class MerchantConfigured(EventData):
    """A merchant was created, or some of its settings changed. The event has all settings; the latest one replaces the others."""

    TYPE = "billing.subscriptions.MerchantConfigured.v1"

    name: str
    """Name of the merchant, as customers see it."""
    legal: LegalIdentity
    """The merchant as the seller on invoices."""
    locale: str
    """BCP 47 language tag that applies to customers without a locale of their own."""
    time_zone: str
    """IANA name of the merchant's time zone. It decides the dates of new subscriptions and of invoices."""
    branding: Branding = Branding()
    """How the portal looks for the merchant's customers."""
    policies: Policies = Policies()
    """What the merchant has decided about cancelling and about unpaid renewals."""
    tax: Tax | None = None
    """The tax of plans that have none of their own. Absent when the merchant charges no tax."""
    return_origins: tuple[str, ...] = ()
    """Origins to which the portal may send customers back, in addition to those of `terms_url` and `privacy_url`."""
    invoice_series: str
    """Prefix of the merchant's invoice numbers."""
    api_keys: tuple[ApiKey, ...] = ()
    """The merchant's API keys, without the keys themselves."""
    sandbox: bool
    """True when the merchant is for tests: no real money moves, and its clock can be moved."""
    clock_offset_seconds: float = 0
    """The merchant's clock minus the wall clock. Zero, except in a sandbox with a test clock."""
    invoice_note: Annotated[str | None, Field(examples=["Export of services, outside the scope of IVA."])] = None
    """Note that is printed on every invoice, such as the reason for which no tax is charged. It may contain line breaks."""


class PlanPublished(EventData):
    """A plan was created. A plan never changes afterwards."""

    TYPE = "billing.subscriptions.PlanPublished.v1"

    plan: Plan
    """The plan."""


class SubscriptionEvent(EventData):
    status: Status
    """Status of the subscription after this event."""


class SubscriptionStarted(SubscriptionEvent):
    """A customer subscribed to a plan. SubscriptionRenewalDue follows for the first period."""

    TYPE = "billing.subscriptions.SubscriptionStarted.v1"

    plan: Plan
    """The plan, as it was when the subscription started."""
    quantity: int = 1
    """How many units of the plan."""
    started_at: Instant
    """Start of the first period, from which every later period is computed, by the merchant's clock."""
    period: Period
    """The first period."""
    time_zone: str | None = None
    """IANA name of the subscription's time zone: its periods are computed and their dates are shown in it. It stays the same when
    the merchant changes its own. The merchant's applies when absent.
    """


class SubscriptionRenewalDue(SubscriptionEvent):
    """The subscription has entered `period`, which is to be invoiced and paid. The first period has this event too."""

    TYPE = "billing.subscriptions.SubscriptionRenewalDue.v1"

    plan: Plan
    """The plan that is charged."""
    quantity: int = 1
    """How many units of the plan."""
    period: Period
    """The period that begins."""
    period_number: int
    """Number of the period, from 1 without gaps."""
    customer_revision: int
    """The invoice names the buyer as of this revision of CustomerProfile, or a later one."""
    time_zone: str | None = None
    """IANA name of the subscription's time zone, as in SubscriptionStarted."""


class SubscriptionRenewed(SubscriptionEvent):
    """The current period is settled at the first attempt: its invoice was paid, or the merchant voided it."""

    TYPE = "billing.subscriptions.SubscriptionRenewed.v1"

    period: Period
    """The period that is settled."""
    invoice_id: UUID
    """The invoice of the period."""


class SubscriptionPastDue(SubscriptionEvent):
    """A charge for the current period failed: the first one or a retry."""

    TYPE = "billing.subscriptions.SubscriptionPastDue.v1"

    period: Period
    """The period that is not paid."""
    invoice_id: UUID
    """The invoice of the period."""
    amount: Money
    """What is owed for the period."""
    reason: str
    """Why the charge failed: the `code` of PaymentFailed, or `not_confirmed` when nothing was tried without a confirmation."""
    failed_attempts: int
    """How many attempts to collect the invoice have failed."""
    next_attempt_at: Instant | None = None
    """When the invoice is charged again, by the merchant's clock. Absent when only a new card can help, after the last retry, and
    when the next attempt has begun already.
    """
    access_until: Instant
    """Until when the customer keeps access without paying, by the merchant's clock."""


class SubscriptionRetryDue(SubscriptionEvent):
    """The invoice of the unpaid period is charged again now, as the merchant's policy planned."""

    TYPE = "billing.subscriptions.SubscriptionRetryDue.v1"

    invoice_id: UUID
    """The invoice of the unpaid period."""
    retry_number: int
    """Number of the retry, from 1 for each period."""
    last: bool = False
    """True when no further retry is planned for the period. False in older events."""


class SubscriptionRecovered(SubscriptionEvent):
    """The current period is settled after a failure: its invoice was paid, or the merchant voided it."""

    TYPE = "billing.subscriptions.SubscriptionRecovered.v1"

    period: Period
    """The period that is settled."""
    invoice_id: UUID
    """The invoice of the period."""


class SubscriptionUnpaid(SubscriptionEvent):
    """The retries have ended, and the merchant's policy keeps the subscription until the customer pays or cancels."""

    TYPE = "billing.subscriptions.SubscriptionUnpaid.v1"

    invoice_id: UUID
    """The invoice of the unpaid period."""


class SubscriptionCancellationScheduled(SubscriptionEvent):
    """The subscription will end at `effective_at`. SubscriptionCancelled follows then, unless the cancellation is withdrawn."""

    TYPE = "billing.subscriptions.SubscriptionCancellationScheduled.v1"

    mode: CancelMode
    """Always `at_period_end`: an immediate cancellation has no schedule."""
    effective_at: Instant
    """End of the current period, when the subscription will end, by the merchant's clock."""
    feedback: Feedback | None = None
    """Why the customer cancels. Absent when they chose no reason."""


class SubscriptionCancellationWithdrawn(SubscriptionEvent):
    """The scheduled cancellation was withdrawn before it took effect. The subscription continues."""

    TYPE = "billing.subscriptions.SubscriptionCancellationWithdrawn.v1"


class SubscriptionCancelled(SubscriptionEvent):
    """The subscription has ended. No period that starts at `effective_at` or later is charged."""

    TYPE = "billing.subscriptions.SubscriptionCancelled.v1"

    effective_at: Instant
    """When the subscription ended, by the merchant's clock."""
    cause: Literal["customer", "merchant", "payment_failed"]
    """What ended it: the customer, the merchant, or payments that failed until the retries ended."""
    feedback: Feedback | None = None
    """Why the customer cancelled. Absent when they chose no reason."""
    open_invoices: Literal["void", "keep"] = "void"
    """What happens to unpaid invoices: with `void` InvoiceVoided follows for each; with `keep` they stay owed."""
    unpaid_period: Period | None = None
    """The period that was not paid when the subscription ended. With `void` its invoice becomes void even when a payment arrives
    at the same moment; that payment is refunded.
    """
    access_until: Instant | None = None
    """Until when the customer had access. It precedes `effective_at` when access had ended unpaid before."""
