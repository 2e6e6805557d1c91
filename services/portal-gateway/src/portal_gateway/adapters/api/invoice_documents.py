"""Response bodies of the invoice routes for the OpenAPI description. Fields are only added."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from billing_contracts.shapes import Tax
from portal_gateway.adapters.api.common_documents import Interval, Last4, Money, Period, SavedCard

InvoiceStatus = Literal["paid", "open", "processing", "failed", "void", "uncollectible", "refunded"]


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
    refund_status: str | None = None
    """Of a paid invoice of which money went back: `refund_underway`, `refund_failed` or `partly_refunded` for its credit notes,
    `charged_back` if the customer's bank returned money after a dispute. More values may come.
    """
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
    """Why an attempt failed, money was given back or the invoice was voided or credited."""
    reference: str | None
    """The payment provider's reference; of a credit note its number."""
    detail: str | None = None
    """The precise kind if it is newer than `kind`'s values: `credit_note` with the kind `void`, `chargeback` with the kind
    `refund` (the customer's bank returned the money after a dispute). More values may come.
    """
    credit_note_id: UUID | None = None
    """The credit note, of its own movement and of its refund's."""
    backup: bool = False
    """True when the customer's backup card was charged, because the default had failed."""


class CreditNoteLine(BaseModel):
    """What a credit note takes off one line of the invoice. Amounts are negative."""

    line_number: int
    """Number of the invoice's line, from 1."""
    plan_name: str
    """Name of the plan."""
    description: str
    """Text of the line."""
    period: Period
    """The period that the invoice's line charges."""
    net: Money
    """Amount without tax."""
    tax: Money
    """Tax."""
    total: Money
    """Amount with tax."""


class CreditRefund(BaseModel):
    """The refund that settles a credit note."""

    status: str
    """`requested` is on its way, `made` went back, `failed` did not. More values may come."""
    at: datetime | None
    """When the outcome was known. Null before."""
    reference: str | None
    """The payment provider's reference. Null until it is known."""
    payment_method: UsedCard | None
    """The card to which the money goes."""


class CreditNote(BaseModel):
    """A credit note: it takes a part of the invoice back, or all of it. Amounts are negative."""

    id: UUID
    """Id of the credit note."""
    number: str
    """Number of the credit note."""
    issued_on: date
    """Date of issue."""
    customer_id: UUID
    """The customer."""
    invoice_id: UUID
    """The invoice."""
    invoice_number: str
    """Number of the invoice."""
    invoice_issued_on: date
    """Date of issue of the invoice."""
    reason: str
    """`customer_request`, `duplicate`, `billing_error`, `service_issue`, `goodwill` or `other_reason`. More values may come."""
    lines: list[CreditNoteLine]
    """What is taken off the invoice's lines."""
    tax: Tax | None
    """The tax of the invoice. Null when none applies."""
    net_total: Money
    """Sum without tax; negative."""
    tax_total: Money
    """Sum of the tax; negative."""
    total: Money
    """What the invoice is reduced by; negative."""
    refund: CreditRefund
    """The refund."""
    pdf_url: str
    """Path of the PDF document."""


class Party(BaseModel):
    """A seller or buyer as printed on an invoice."""

    name: str
    """Name."""
    address: str | None
    """Postal address. It may contain line breaks."""
    tax_id: str | None
    """Tax number."""
    country: str | None
    """ISO 3166-1 alpha-2 code. Null on older invoices, and where it is not known."""


class Buyer(Party):
    """The buyer as printed on an invoice."""

    email: str
    """E-mail address."""
    purchase_order: str | None
    """The buyer's purchase order or other reference."""


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
    note: str | None
    """The merchant's note on the invoice."""
    paid_at: datetime | None
    """When it was paid. Null unless it is paid."""
    voided_at: datetime | None
    """When it was voided. Null unless it is void."""
    payment_method: SavedCard | None
    """The card that paid. Null while nothing is paid."""
    remedy: str | None = None
    """What can make a failed payment succeed: `wait`, `another_card`, or `authenticate` (the customer confirms it at their bank).
    Absent when that is not known, and when none of these helps. More values may come.
    """
    detail: str | None = None
    """A more precise reason of a failed payment than its code, if there is one. More values may come."""
    authenticate_until: datetime | None = None
    """How long the running charge waits for the customer's answer to their bank, by the wall clock. Absent unless it waits."""
    charge_id: UUID | None = None
    """The charge that failed, or that waits for that answer. Absent otherwise."""
    charged_method_id: UUID | None = None
    """The card of that charge. One that is not on file belongs to the payer of an invoice link."""
    receipt_url: str | None = None
    """Path of the receipt for its payment, a PDF document. Null while no money was taken."""
    movements: list[Movement]
    """What was owed and paid, oldest first."""
    credited: Money | None = None
    """What credit notes took off the total."""
    refunded: Money | None = None
    """What went back to the customer."""
    credit_notes: list[CreditNote] = []
    """The invoice's credit notes, oldest first."""
    payment_text: str | None
    """What the payment of an invoice did that had been owed, in words. Null otherwise."""
    settling: bool
    """True while it is not yet known what that payment did."""


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
