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
    """An amount of money, also in words."""

    amount_minor: int
    """Amount in the currency's smallest unit: 2999 is 29.99 USD."""
    currency: str
    """ISO 4217 code."""
    text: str
    """The amount in the customer's language."""


class Period(BaseModel):
    """A billing period: from `start`, included, to `end`, excluded."""

    start: datetime
    """First instant of the period."""
    end: datetime
    """First instant after the period."""


class Interval(BaseModel):
    """Length of a period: `count` times `unit`."""

    unit: Literal["day", "week", "month", "year"]
    """Calendar unit."""
    count: int
    """How many units: 3 with `month` is a quarter."""


class SessionTold(BaseModel):
    """A customer's session."""

    ends_at: datetime
    """When it ends unless the customer does something."""
    latest_end: datetime
    """When it ends at the latest."""
    csrf: str
    """Token for the header `x-csrf-token` of requests that change something."""
    flow: str | None
    """Where the link leads, when not to the whole page: `payment_method` or `cancel`."""
    return_url: str | None
    """Where the page leads the customer back to. Null when the link has none."""


class Company(BaseModel):
    """The merchant, as its customers see it."""

    name: str
    """Name."""
    logo_url: str | None
    """Path of the logo. Null when there is none."""
    colour: str | None
    """Accent colour, as `#rrggbb`."""
    contact_email: str | None
    """E-mail address for customers."""
    terms_url: str | None
    """Address of the terms of service."""
    privacy_url: str | None
    """Address of the privacy notice."""


class Customer(BaseModel):
    """The customer. All fields are null until the profile has arrived."""

    name: str | None
    """Name."""
    email: str | None
    """E-mail address."""
    locale: str | None
    """BCP 47 language tag."""


class Plan(BaseModel):
    """The plan of a subscription."""

    id: UUID
    """Id of the plan."""
    name: str
    """Name."""
    description: str
    """Text about the plan."""
    image_url: str | None
    """Path of the picture. Null when there is none."""


class Cancellation(BaseModel):
    """A scheduled cancellation."""

    mode: CancelMode
    """How the subscription ends."""
    effective_at: datetime
    """When it ends."""
    feedback: str | None
    """The reason that was chosen. Null when none was."""


class Debt(BaseModel):
    """What is owed for the current period."""

    amount: Money
    """What is owed."""
    reason: str
    """Why the last attempt failed."""
    next_attempt_at: datetime | None
    """When the next attempt is due. Null when none is."""
    invoice_id: UUID
    """The unpaid invoice."""


class Recurring(BaseModel):
    """What a period costs."""

    total: Money
    """What is charged for a period."""
    tax: Money | None
    """The tax in it. Null when none applies or when it is not known."""
    tax_rate: Tax | None
    """The tax and its rate. Null when none applies."""
    tax_known: bool
    """True when `total` contains all of the tax."""


class Subscription(BaseModel):
    """A subscription, in facts and in words."""

    id: UUID
    """Id of the subscription."""
    version: int
    """Increases by one with each event of the subscription."""
    status: str
    """The subscription's status."""
    status_text: str
    """The status in words."""
    plan: Plan
    """The plan."""
    quantity: int
    """How many units of the plan."""
    price: Money
    """Price of one unit."""
    frequency_text: str
    """The price and how often it is charged, in words."""
    recurring: Recurring
    """What a period costs."""
    period_total: Money
    """What the current period costs."""
    interval: Interval
    """Length of a period."""
    current_period: Period
    """The current period."""
    renews_on: date | None
    """Date of the next renewal. Null when there is none."""
    renewal_text: str
    """When the subscription renews or ends, in words."""
    cancellation: Cancellation | None
    """The scheduled cancellation. Null when none is scheduled."""
    debt: Debt | None
    """What is owed for the current period. Null when nothing is."""
    debt_text: str | None
    """The debt in words. Null when nothing is owed."""
    payment_text: str | None
    """What paying the debt does, in words. Null when nothing can be paid."""
    ended_at: datetime | None
    """When the subscription ended. Null while it has not."""
    stale: bool
    """True when events of the subscription have not arrived yet."""


class PaymentMethod(BaseModel):
    """The default card."""

    id: UUID
    """Id of the payment method."""
    brand: str
    """The card's network."""
    last4: Last4
    """Last four digits of the card number."""
    exp_month: int
    """Month in which the card expires, 1 to 12."""
    exp_year: int
    """Year in which the card expires, four digits."""
    state: Literal["valid", "expiring", "expired"]
    """Whether the card is valid, expires soon, or has expired."""
    text: str
    """The card in words."""


class Invoice(BaseModel):
    """An invoice in a list."""

    id: UUID
    """Id of the invoice."""
    number: str
    """Invoice number."""
    issued_on: date
    """Date of issue."""
    plan_name: str
    """Name of the plan."""
    total: Money
    """What the invoice charges."""
    status: InvoiceStatus
    """What has become of it."""
    status_text: str
    """The status in words."""
    period: Period
    """The period that is invoiced."""
    pdf_url: str
    """Path of the PDF document."""
    url: str
    """Path of the invoice on the page."""


class InvoicePage(BaseModel):
    """A page of invoices."""

    items: list[Invoice]
    """Newest first."""
    next_cursor: str | None
    """Cursor of the next page; null on the last one."""


class PlanOnInvoice(BaseModel):
    """The plan as it was when the invoice was issued."""

    id: UUID
    """Id of the plan."""
    name: str
    """Name."""
    description: str
    """Text about the plan."""
    image_media_id: str | None
    """Id of the picture. Null when there is none."""
    price: Money
    """Price of one unit."""
    interval: Interval
    """Length of a period."""
    tax: Tax | None
    """The plan's own tax. Null when it has none."""


class InvoiceLine(BaseModel):
    """One line of an invoice. `net` plus `tax` is `total`."""

    plan_name: str
    """Name of the plan."""
    description: str
    """Text of the line."""
    period: Period
    """The period that the line charges."""
    quantity: int
    """How many units of the plan."""
    unit_price: Money
    """Price of one unit."""
    net: Money
    """Amount without tax."""
    tax: Money
    """Tax of the line."""
    total: Money
    """Amount with tax."""


class SavedCard(BaseModel):
    """A card, without its number and CVV."""

    id: UUID
    """Id of the payment method."""
    brand: str
    """The card's network."""
    last4: Last4
    """Last four digits of the card number."""
    exp_month: int
    """Month in which the card expires, 1 to 12."""
    exp_year: int
    """Year in which the card expires, four digits."""


class UsedCard(BaseModel):
    """The card of a movement."""

    brand: str
    """The card's network."""
    last4: Last4 | None
    """Last four digits of the card number. Null where they were not recorded."""


class Movement(BaseModel):
    """Something that changed what is owed on the invoice, or tried to."""

    date: date
    """Date in the merchant's time zone."""
    at: datetime
    """When it happened."""
    kind: Literal["invoice", "payment", "failed_attempt", "refund", "void"]
    """What happened."""
    amount: Money
    """Positive is owed, negative is paid or forgiven; zero for a failed attempt."""
    status: str | None
    """`succeeded` or `failed`. Null for the invoice itself and for its voiding."""
    payment_method: UsedCard | None
    """The card. Null where none was used."""
    reason: str | None
    """Why an attempt failed, money was given back or the invoice was voided."""
    reference: str | None
    """The payment provider's reference."""


class Party(BaseModel):
    """A seller or buyer as printed on an invoice."""

    name: str
    """Name."""
    address: str | None
    """Postal address. It may contain line breaks."""
    tax_id: str | None
    """Tax number."""


class Buyer(Party):
    """The buyer as printed on an invoice."""

    email: str
    """E-mail address."""


class WholeInvoice(Invoice):
    """An invoice, with everything that is printed on it."""

    version: int
    """Increases by one with each event of the invoice."""
    customer_id: UUID
    """The customer."""
    subscription_id: UUID
    """The subscription that is invoiced."""
    plan: PlanOnInvoice
    """The plan."""
    period_number: int
    """Number of the period, from 1 for each subscription."""
    period_time_zone: str | None
    """IANA name of the time zone in which the dates of the period are shown."""
    tax: Tax | None
    """The tax of the invoice. Null when none applies."""
    net_total: Money
    """Sum without tax."""
    tax_total: Money
    """Sum of the tax."""
    lines: list[InvoiceLine]
    """The invoice's lines."""
    seller: Party
    """The merchant as printed on the invoice."""
    bill_to: Buyer | None
    """The buyer as printed on the invoice. Null after the customer was erased."""
    locale: str
    """BCP 47 language tag of the document."""
    time_zone: str
    """IANA name of the time zone of the document's dates."""
    paid_at: datetime | None
    """When it was paid. Null unless it is paid."""
    voided_at: datetime | None
    """When it was voided. Null unless it is void."""
    payment_method: SavedCard | None
    """The card that paid. Null while nothing is paid."""
    movements: list[Movement]
    """What was owed and paid, oldest first."""
    payment_text: str | None
    """What the payment of an invoice did that had been owed, in words. Null otherwise."""
    settling: bool
    """True while it is not yet known what that payment did."""


class Pending(BaseModel):
    """Accepted by its service, and not in the view yet."""

    kind: Literal["cancellation", "cancellation_withdrawn", "payment_method", "charge"]
    """What was accepted."""
    aggregate: str
    """The aggregate that changed, as `<kind>-<uuid>`."""
    version: int
    """The aggregate's version after the change."""
    accepted_at: datetime
    """When it was accepted."""
    detail: dict[str, Any]
    """More about it, by kind."""


class Overview(BaseModel):
    """Everything that the page shows."""

    company: Company
    """The merchant."""
    customer: Customer
    """The customer."""
    subscriptions: list[Subscription]
    """The subscriptions."""
    payment_method: PaymentMethod | None
    """The default card. Null when there is none."""
    invoices: InvoicePage
    """The latest invoices."""
    pending: list[Pending]
    """What was accepted and is not shown yet."""
    revision: int
    """Increases with each change of the facts."""
    as_of: datetime
    """The instant that the facts are of."""
    stale: bool
    """True when the facts may be out of date."""
    stale_text: str | None
    """How old the facts are, in words. Null when they are not."""


class CancellationPreview(BaseModel):
    """What a cancellation would do."""

    mode: CancelMode
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
    frequency_text: str | None
    """The price and how often it is charged, in words."""


class Accepted(BaseModel):
    """A command that was carried out."""

    aggregate: str
    """The aggregate that changed, as `<kind>-<uuid>`."""
    version: int
    """The aggregate's version after the change. `after=<aggregate>:<version>` waits until it is shown."""


class CancellationAccepted(Accepted):
    """A cancellation that took effect or is scheduled."""

    effective_at: datetime
    """When the subscription ends."""
    mode: CancelMode
    """How it ends."""
    card_number_removed: Literal[True] | None = None
    """True when the comment contained a card number, which was removed before the comment was stored. Absent otherwise."""


class Due(BaseModel):
    """What a confirmation charges: an open invoice, or a period that has begun. Its invoice is issued later."""

    invoice_id: UUID
    """Id of the invoice, also before it is issued."""
    number: str | None
    """Invoice number. Null before the invoice is issued."""
    amount: Money
    """What is charged."""
    text: str | None = None
    """The charge in words."""
    subscription_id: UUID | None = None
    """The subscription that the invoice belongs to. Absent where it is not known."""
    period: Period | None = None
    """The begun period. Absent for an open invoice."""
    effect: str | None = None
    """What paying the invoice does to its subscription: `starts`, `continues`, `ends` or `settles`. Absent for a begun period."""


class Line(BaseModel):
    """A charge in words."""

    text: str
    """What is charged."""
    amount_text: str
    """The amount."""


class Dues(BaseModel):
    """Everything that a confirmation charges."""

    due: list[Due]
    """The charges, in the order in which they are made."""
    total: Money | None
    """Sum of the charges. Null when nothing is due, or when they are in more than one currency."""
    more: bool = False
    """True when more periods have begun than are listed. Absent otherwise."""


class DuesInWords(Dues):
    """Everything that a confirmation charges, also in words."""

    lines: list[Line]
    """The charges as the dialog shows them."""
    statements: list[str]
    """What the confirmation does, in words."""


class Renewal(BaseModel):
    """A subscription that is charged to the new card."""

    subscription_id: UUID
    """The subscription."""
    plan_name: str
    """Name of the plan."""
    frequency_text: str
    """The price and how often it is charged, in words."""


class CardSetup(DuesInWords):
    """A page on which a card can be typed, and what confirming the card charges."""

    setup_id: UUID
    """Id of the set-up."""
    frame_url: str
    """Address of the card page, for an iframe."""
    renewals: list[Renewal]
    """The subscriptions that renew with the new card."""


class PaymentPreview(DuesInWords):
    """What paying an invoice now charges."""

    invoice_id: UUID
    """The invoice."""
    running: bool
    """True while a charge for the invoice is under way."""


class ChargeStarted(Accepted):
    """A charge that has begun."""

    invoice_id: UUID
    """The invoice that is charged."""


class PaymentStarted(Dues, Accepted):
    """A charge that has begun, and what else the confirmation charges."""

    id: UUID
    """Id of the charge."""
    invoice_id: UUID
    """The invoice that is charged."""
    attempt: int
    """Number of the attempt, from 1 for each invoice."""
    status: Literal["open"]
    """The charge is under way."""
    payment_method: SavedCard
    """The card that is charged."""
    confirmation_id: UUID
    """Id of the confirmation."""


class CardUpdated(Accepted):
    """A new default card, and the charges that have begun with it."""

    payment_method: SavedCard
    """The card that is the default now."""
    charges: list[ChargeStarted]
    """One for each invoice that is charged at once."""


class Documents(BaseModel):
    """How far a download is."""

    done: int
    """Documents that are made."""
    total: int
    """Documents that the download will have."""
    text: str
    """The progress in words."""


class Progress(BaseModel):
    """The progress of the customer's download."""

    progress: Documents | None
    """How far it is. Null when none is running."""
