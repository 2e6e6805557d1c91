"""The facts of a customer's page, independent of language and clock.

These are the shapes of the one JSON document that is stored per (merchant, customer). Instants are RFC 3339 in UTC, dates
ISO 8601, amounts in minor units, everything else codes.
"""

from typing import Literal, NotRequired, TypedDict
from uuid import UUID

CustomerKey = tuple[UUID, UUID]
"""(merchant, customer)"""

InvoiceStatus = Literal["paid", "open", "processing", "failed", "void", "uncollectible", "refunded"]
"""`open`: no attempt yet; `processing`: a charge runs or its outcome is unknown; `failed`: open, the last attempt failed."""

Role = Literal["default", "backup"]
"""Of a card: charged for everything, or once if the default fails."""

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
    """All fields except the id are null until the profile has arrived, and after the customer is erased."""

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
    """Null: no further attempt with this card, or `retrying`."""
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
    """IANA name, for its dates. Absent until an event has it; then the merchant's zone applies."""
    access_until: NotRequired[str]
    """Of an ended subscription: before `ended_at` if it ended unpaid."""
    stale: bool
    """An earlier event is missing, so the facts may be outdated. Set when the view is read; always false in the database."""


class CardFace(TypedDict):
    brand: Literal["visa", "mastercard", "amex", "other"]
    last4: str


class CardDetails(CardFace):
    """A card on file."""

    id: str
    exp_month: int
    exp_year: int


class PaymentMethod(CardDetails):
    version: int


class SavedMethod(CardDetails):
    """A card on file, with its role."""

    role: Role | None


class Consent(TypedDict):
    text: str
    """The version of the text that the customer agreed to."""
    language: str
    at: str


class CardChange(TypedDict):
    """A change of the cards on file."""

    at: str
    kind: Literal["default", "added", "removed", "refreshed", "backup", "no_backup"]
    card: CardDetails
    before: NotRequired[CardDetails]
    """The former default, or the former details of a refreshed card."""
    consent: NotRequired[Consent]
    """To being charged if the default fails."""


class DetachedCard(CardFace):
    """A card that its provider does not have any more."""

    at: str
    was_default: bool


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
    remedy: NotRequired[str]
    """Of a failed one: what can make the payment succeed: wait, another_card, authenticate. Absent if unknown, or without any."""
    detail: NotRequired[str]
    """Of a failed one: a more precise reason than the code, if there is one."""
    authenticate_until: NotRequired[str]
    """Of a processing one: how long the charge waits for the customer's answer to their bank, by the wall clock."""
    charge_id: NotRequired[str]
    """Of a failed one, and of one that waits for that answer: the charge."""
    charged_method_id: NotRequired[str]
    """The card of that charge. Absent without a card, and in views that an earlier version composed."""
    credited: NotRequired[Money]
    """What credit notes took off the total. This and the next two are absent without a credit note."""
    refunded: NotRequired[Money]
    """What went back for credit notes."""
    refund_failed: NotRequired[Money]
    """What the provider refused to give back."""
    charged_back: NotRequired[Money]
    """What the customer's bank returned after a dispute. Absent unless it did."""


class CustomerView(TypedDict):
    customer: Customer
    subscriptions: list[Subscription]
    """Current ones first, then ended ones; within each, the latest start first."""
    payment_method: PaymentMethod | None
    payment_methods: NotRequired[list[SavedMethod]]
    """The default first, then the backup, then the latest first. Absent in views that an earlier version composed."""
    detached_card: NotRequired[DetachedCard]
    """The card that was removed because its provider does not have it any more. Absent once the cards were changed since."""
    invoices: list[InvoiceRow]
    """The newest twelve, newest first."""
    invoice_count: int
    invoice_years: list[int]
    """Newest first."""
