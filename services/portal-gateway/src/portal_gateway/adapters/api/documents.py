"""What the routes answer with, for the description of the API: fields are only added. Words are in the customer's language."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from billing_contracts.shapes import Tax

Last4 = Annotated[str, Field(pattern="^[0-9]{4}$")]
CancelMode = Literal["at_period_end", "immediately"]
InvoiceStatus = Literal["paid", "open", "processing", "failed", "void", "uncollectible", "refunded"]


class Money(BaseModel):
    amount_minor: int
    currency: str
    text: str


class Period(BaseModel):
    start: datetime
    end: datetime


class Interval(BaseModel):
    unit: Literal["day", "week", "month", "year"]
    count: int


class SessionTold(BaseModel):
    ends_at: datetime
    latest_end: datetime
    csrf: str
    flow: str | None
    return_url: str | None


class Company(BaseModel):
    name: str
    logo_url: str | None
    colour: str | None
    contact_email: str | None
    terms_url: str | None
    privacy_url: str | None


class Customer(BaseModel):
    name: str | None
    email: str | None
    locale: str | None


class Plan(BaseModel):
    id: UUID
    name: str
    description: str
    image_url: str | None


class Cancellation(BaseModel):
    mode: CancelMode
    effective_at: datetime
    feedback: str | None


class Debt(BaseModel):
    amount: Money
    reason: str
    next_attempt_at: datetime | None
    invoice_id: UUID


class Recurring(BaseModel):
    """What a period costs."""

    total: Money
    tax: Money | None
    tax_rate: Tax | None
    tax_known: bool
    """Whether `total` contains all of the tax."""


class Subscription(BaseModel):
    id: UUID
    version: int
    status: str
    status_text: str
    plan: Plan
    quantity: int
    price: Money
    frequency_text: str
    recurring: Recurring
    period_total: Money
    interval: Interval
    current_period: Period
    renews_on: date | None
    renewal_text: str
    cancellation: Cancellation | None
    debt: Debt | None
    debt_text: str | None
    payment_text: str | None
    """What paying the debt does."""
    ended_at: datetime | None
    stale: bool


class PaymentMethod(BaseModel):
    id: UUID
    brand: str
    last4: Last4
    exp_month: int
    exp_year: int
    state: Literal["valid", "expiring", "expired"]
    text: str


class Invoice(BaseModel):
    id: UUID
    number: str
    issued_on: date
    plan_name: str
    total: Money
    status: InvoiceStatus
    status_text: str
    period: Period
    pdf_url: str
    url: str


class InvoicePage(BaseModel):
    items: list[Invoice]
    next_cursor: str | None


class WholeInvoice(Invoice):
    """And all that the invoicing service says of it."""

    version: int
    customer_id: UUID
    net_total: Money
    tax_total: Money
    lines: list[dict[str, Any]]
    movements: list[dict[str, Any]]


class Pending(BaseModel):
    """Accepted by its service, and not in the view yet."""

    kind: Literal["cancellation", "cancellation_withdrawn", "payment_method", "charge"]
    aggregate: str
    version: int
    accepted_at: datetime
    detail: dict[str, Any]


class Overview(BaseModel):
    company: Company
    customer: Customer
    subscriptions: list[Subscription]
    payment_method: PaymentMethod | None
    invoices: InvoicePage
    pending: list[Pending]
    revision: int
    as_of: datetime
    stale: bool
    stale_text: str | None


class CancellationPreview(BaseModel):
    mode: CancelMode
    effective_at: datetime
    access_until: datetime
    open_amount: Money | None
    open_invoices: Literal["void", "keep"] | None
    paid_until: datetime | None
    frequency_text: str | None


class Accepted(BaseModel):
    aggregate: str
    version: int


class CancellationAccepted(Accepted):
    effective_at: datetime
    mode: CancelMode
    card_number_removed: Literal[True] | None = None
    """Present where the comment held a card number, which was not stored."""


class Due(BaseModel):
    """What a confirmation charges: an open invoice, or a period that has begun. Its invoice is issued later."""

    invoice_id: UUID
    number: str | None
    """Null before the invoice is issued."""
    amount: Money
    text: str | None = None
    subscription_id: UUID | None = None
    period: Period | None = None
    effect: str | None = None
    """What paying the invoice does to its subscription: starts, continues, ends or settles."""


class Line(BaseModel):
    text: str
    amount_text: str


class Dues(BaseModel):
    due: list[Due]
    total: Money | None
    """Null when nothing is due, or in more than one currency."""
    more: bool = False
    """Whether more periods have begun than are listed."""


class DuesInWords(Dues):
    lines: list[Line]
    """The charges as the dialog shows them."""
    statements: list[str]
    """What the confirmation does."""


class Renewal(BaseModel):
    subscription_id: UUID
    plan_name: str
    frequency_text: str


class CardSetup(DuesInWords):
    setup_id: UUID
    frame_url: str
    renewals: list[Renewal]


class PaymentPreview(DuesInWords):
    invoice_id: UUID
    running: bool
    """Whether a charge for the invoice is under way."""


class ChargeStarted(Accepted):
    invoice_id: UUID


class SavedCard(BaseModel):
    id: UUID
    brand: str
    last4: Last4
    exp_month: int
    exp_year: int


class PaymentStarted(Dues, Accepted):
    id: UUID
    """Of the charge."""
    invoice_id: UUID
    attempt: int
    status: Literal["open"]
    payment_method: SavedCard
    confirmation_id: UUID


class CardUpdated(Accepted):
    payment_method: SavedCard
    charges: list[ChargeStarted]


class Documents(BaseModel):
    done: int
    total: int
    text: str


class Progress(BaseModel):
    progress: Documents | None
