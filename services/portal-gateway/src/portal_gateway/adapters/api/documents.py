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


class DueInvoice(BaseModel):
    invoice_id: UUID
    number: str
    amount: Money


class CardSetup(BaseModel):
    setup_id: UUID
    frame_url: str
    due: list[DueInvoice]
    total: Money | None


class ChargeStarted(Accepted):
    invoice_id: UUID


class SavedCard(BaseModel):
    id: UUID
    brand: str
    last4: Last4
    exp_month: int
    exp_year: int


class CardUpdated(Accepted):
    payment_method: SavedCard
    charges: list[ChargeStarted]


class Documents(BaseModel):
    done: int
    total: int
    text: str


class Progress(BaseModel):
    progress: Documents | None
