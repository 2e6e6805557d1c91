"""What a customer's page is made of: facts only, no language and no clock.

These are the shapes of the one JSON document kept per (merchant, customer). Instants are RFC 3339 in UTC, dates
ISO 8601, amounts whole minor units, everything else codes.
"""

from typing import Literal, NotRequired, TypedDict

InvoiceStatus = Literal["paid", "open", "processing", "failed", "void", "uncollectible", "refunded"]
"""`open`: never tried; `processing`: a charge runs or its outcome is unknown; `failed`: open, the last try failed."""

Pane = Literal["summary", "subscription", "payment_method", "invoices"]
PANES: tuple[Pane, ...] = ("summary", "subscription", "payment_method", "invoices")


class Money(TypedDict):
    amount_minor: int
    currency: str


class Period(TypedDict):
    start: str
    end: str


class Interval(TypedDict):
    unit: Literal["day", "week", "month", "year"]
    count: int


class Tax(TypedDict):
    name: str
    rate_basis_points: int
    inclusive: bool


class Plan(TypedDict):
    id: str
    name: str
    description: str
    image_media_id: str | None
    price: Money
    interval: Interval
    tax: Tax | None


class Customer(TypedDict):
    """All but the id is null until the profile has arrived, and again once the customer was erased."""

    id: str
    name: str | None
    email: str | None
    locale: str | None
    country: str | None


class Cancellation(TypedDict):
    mode: Literal["at_period_end", "immediately"]
    effective_at: str
    feedback: str | None
    requested_at: str


class Debt(TypedDict):
    amount: Money
    reason: str
    """The code of the failed payment."""
    next_attempt_at: str | None
    """Null: nothing more will be tried with this card, or `retrying`."""
    retrying: bool
    access_until: str
    invoice_id: str


class Subscription(TypedDict):
    id: str
    version: int
    status: str
    plan: Plan
    quantity: int
    started_at: str
    current_period: Period
    cancellation: Cancellation | None
    debt: Debt | None
    ended_at: str | None
    time_zone: NotRequired[str]
    """IANA: where its dates are. Absent until an event names it; then the merchant's zone is used."""
    access_until: NotRequired[str]
    """Of one that has ended: before `ended_at` when it ended unpaid."""
    stale: bool
    """An event in between has not arrived: what is shown may be behind. Known when it is asked for, so false as kept."""


class CardFace(TypedDict):
    brand: Literal["visa", "mastercard", "amex", "other"]
    last4: str


class PaymentMethod(CardFace):
    id: str
    exp_month: int
    exp_year: int
    version: int


class InvoiceRow(TypedDict):
    id: str
    number: str
    version: int
    issued_on: str
    plan_name: str
    subscription_id: str
    total: Money
    status: InvoiceStatus
    period: Period
    paid_at: str | None
    payment_method: CardFace | None


class CustomerView(TypedDict):
    customer: Customer
    subscriptions: list[Subscription]
    """Living ones first, then those that ended; within each, the latest start first."""
    payment_method: PaymentMethod | None
    invoices: list[InvoiceRow]
    """The newest twelve, newest first."""
    invoice_count: int
    invoice_years: list[int]
    """Newest first."""
