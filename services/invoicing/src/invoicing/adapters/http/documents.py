"""What the routes answer with, for the description of the API: fields are only added."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from billing_contracts import invoicing, shapes
from billing_contracts.money import Money
from billing_contracts.subscriptions import LegalIdentity

Last4 = Annotated[str, Field(pattern="^[0-9]{4}$")]


class InvoiceSummary(BaseModel):
    """An invoice in a list."""

    id: UUID
    """Id of the invoice."""
    version: int
    """Increases by one with each event of the invoice."""
    customer_id: UUID
    """The customer."""
    number: str
    """Invoice number: the merchant's series and a counter without gaps."""
    issued_on: date
    """Date of issue, in the merchant's time zone."""
    subscription_id: UUID
    """The subscription that is invoiced."""
    period: shapes.Period
    """The period that is invoiced."""
    period_number: int
    """Number of the period, from 1 for each subscription."""
    period_time_zone: str | None
    """IANA name of the subscription's time zone, in which the dates of the period are shown."""
    plan_name: str
    """Name of the plan when the invoice was issued."""
    tax: shapes.Tax | None
    """The tax of the invoice. Null when none applies."""
    net_total: Money
    """Sum without tax."""
    tax_total: Money
    """Sum of the tax."""
    total: Money
    """What the invoice charges: `net_total` plus `tax_total`."""
    status: Literal["open", "paid", "void"]
    """`open` is owed, `paid` is settled, `void` is no longer owed."""
    paid_at: datetime | None
    """When it was paid, by the merchant's clock. Null unless it is paid."""
    voided_at: datetime | None
    """When it was voided, by the merchant's clock. Null unless it is void."""
    payment_method: shapes.Card | None
    """The card that paid. Null while nothing is paid, and for an invoice of zero without a card."""
    credited: Money
    """What credit notes took off the total."""
    refunded: Money
    """What went back to the customer."""


class InvoicePage(BaseModel):
    """A page of invoices."""

    items: list[InvoiceSummary]
    """Newest first."""
    next_cursor: str | None
    """Cursor of the next page; null on the last one."""


class UsedCard(BaseModel):
    """The card of a movement."""

    brand: str
    """The card's network."""
    last4: Last4 | None
    """Last four digits of the card number. Null where they were not recorded."""


class Movement(BaseModel):
    """Something that changed what is owed on the invoice, or tried to. An invoice's movements sum to its balance."""

    date: date
    """Date in the merchant's time zone."""
    at: datetime
    """When it happened, by the merchant's clock."""
    kind: Literal["invoice", "payment", "failed_attempt", "refund", "void"]
    """What happened."""
    amount: Money
    """Positive is owed, negative is paid or forgiven; zero for a failed attempt."""
    status: str | None
    """`succeeded` or `failed`. Null for the invoice itself, its voiding and its credit notes."""
    payment_method: UsedCard | None
    """The card. Null where none was used."""
    reason: str | None
    """Why an attempt failed, money was given back or the invoice was voided or credited."""
    reference: str | None
    """The payment provider's reference; of a credit note its number."""
    detail: str | None
    """The precise kind if it is newer than `kind`'s values: `credit_note` with the kind `void`, `chargeback` with the kind
    `refund` (the customer's bank returned the money after a dispute). More values may come.
    """
    credit_note_id: UUID | None
    """The credit note, of its own movement and of its refund's."""
    backup: bool
    """True when the customer's backup card was charged, because the default had failed."""


class BillTo(BaseModel):
    """The buyer as printed on the invoice."""

    name: str
    """Name."""
    email: str
    """E-mail address."""
    address: str | None
    """Postal address. It may contain line breaks."""
    tax_id: str | None
    """Tax number."""
    country: str | None
    """ISO 3166-1 alpha-2 code of the buyer's country."""
    purchase_order: str | None
    """The buyer's purchase order or other reference."""


class CreditRefund(BaseModel):
    """The refund that settles a credit note."""

    status: Literal["requested", "made", "failed"]
    """`requested` has no outcome yet; `failed` is final: repay the customer in another way."""
    at: datetime | None
    """When the outcome was known, by the merchant's clock. Null before."""
    reference: str | None
    """The payment provider's reference. Null until it is known."""
    payment_method: UsedCard | None
    """The card that paid the invoice, to which the money goes."""


class CreditNote(BaseModel):
    """A credit note: it takes a part of a paid invoice back, or all of it. Amounts are negative."""

    id: UUID
    """Id of the credit note, and of the refund that settles it."""
    number: str
    """Number of the credit note, from a series of its own without gaps."""
    issued_on: date
    """Date of issue, in the merchant's time zone."""
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
    lines: list[invoicing.CreditNoteLine]
    """What is taken off the invoice's lines. Their totals add up to `total`."""
    tax: shapes.Tax | None
    """The tax of the invoice. Null when none applies."""
    net_total: Money
    """Sum without tax; negative."""
    tax_total: Money
    """Sum of the tax; negative."""
    total: Money
    """What the invoice is reduced by; negative."""
    refund: CreditRefund
    """The refund."""


class Invoice(InvoiceSummary):
    """An invoice, with everything that is printed on it."""

    plan: shapes.Plan
    """The plan, as it was when the invoice was issued."""
    lines: list[invoicing.InvoiceLine]
    """The invoice's lines. Their totals add up to `total`."""
    seller: LegalIdentity
    """The merchant as printed on the invoice."""
    locale: str
    """BCP 47 language tag of the document."""
    time_zone: str
    """IANA name of the time zone of the document's dates."""
    note: str | None
    """The merchant's note on the invoice."""
    bill_to: BillTo | None
    """The buyer as printed on the invoice. Null after the customer was erased."""
    movements: list[Movement]
    """What was owed and paid, oldest first."""
    credit_notes: list[CreditNote]
    """The invoice's credit notes, oldest first."""


class Accepted(BaseModel):
    """A command that was carried out."""

    aggregate: str
    """The aggregate that changed, as `invoice-<uuid>`: the `subject` of its events."""
    version: int
    """The aggregate's version after the change: the `sequence` of its latest event."""


class Documents(BaseModel):
    """How far a download is."""

    done: int
    """Documents that are made."""
    total: int
    """Documents that the download will have."""


class Progress(BaseModel):
    """The progress of a customer's download."""

    progress: Documents | None
    """How far it is. Null when none is running."""
