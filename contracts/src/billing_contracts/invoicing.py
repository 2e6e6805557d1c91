"""Events of the invoicing service on `billing.invoicing`. Aggregates: `invoice-<uuid>`."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import Field

from billing_contracts.envelope import EventData, Instant
from billing_contracts.money import Money
from billing_contracts.payments import FailureCode
from billing_contracts.shapes import Card, Period, Plan, Shape, Tax
from billing_contracts.subscriptions import LegalIdentity


def invoice_id(subscription_id: UUID, period: Period) -> UUID:
    """The id of a subscription's one invoice for a period, known before it is issued."""
    return uuid5(subscription_id, period.start.isoformat())


class InvoiceLine(Shape):
    """One line of an invoice. `net` plus `tax` is `total`."""

    plan_name: str
    """Name of the plan when the invoice was issued."""
    description: str
    """Text of the line."""
    period: Period
    """The period that the line charges."""
    quantity: int
    """How many units of the plan."""
    unit_price: Money
    """Advertised price of one unit. It contains the tax when the tax is inclusive."""
    net: Money
    """Amount of the line without tax."""
    tax: Money
    """Tax of the line, rounded half up once."""
    total: Money
    """Amount of the line with tax."""


class InvoiceIssued(EventData):
    """An invoice was issued. The event has everything that is printed on it, except the buyer's name and address.

    The aggregate's id is the invoice's id. An issued invoice never changes; it is paid or voided.
    """

    TYPE = "billing.invoicing.InvoiceIssued.v1"

    number: str
    """Invoice number: the merchant's series and a counter without gaps."""
    issued_on: date
    """Date of issue, in the merchant's time zone. It never precedes the date of a lower number."""
    subscription_id: UUID
    """The subscription that is invoiced."""
    plan: Plan
    """The plan that is invoiced, as it was when the invoice was issued."""
    period: Period
    """The period that is invoiced."""
    period_number: int
    """Number of the period, from 1 for each subscription."""
    lines: tuple[InvoiceLine, ...]
    """The invoice's lines. Their totals add up to `total`."""
    tax: Tax | None = None
    """The tax of this invoice. Absent when none applies."""
    net_total: Money
    """Sum of the lines without tax."""
    tax_total: Money
    """Sum of the lines' taxes."""
    total: Money
    """What the customer owes: `net_total` plus `tax_total`."""
    seller: LegalIdentity
    """The merchant as printed on the invoice."""
    period_time_zone: str | None = None
    """IANA name of the subscription's time zone, in which the dates of `period` are shown. The merchant's applies when absent."""
    note: Annotated[str | None, Field(examples=["Export of services, outside the scope of IVA."])] = None
    """The merchant's note as printed on the invoice. It may contain line breaks."""


class InvoicePaid(EventData):
    """The invoice is paid in full. The event repeats the amount of PaymentSucceeded: do not add both."""

    TYPE = "billing.invoicing.InvoicePaid.v1"

    subscription_id: UUID
    """The subscription that the invoice belongs to."""
    period: Period
    """The period that is paid."""
    amount: Money
    """What was paid: the invoice's total."""
    paid_at: Instant
    """When it was paid, by the merchant's clock."""
    charge_id: UUID
    """The attempt that paid, as in PaymentSucceeded."""
    payment_method: Card | None = None
    """The card that paid. Absent for an invoice of zero when no card was on file."""
    agreed_at: Instant | None = None
    """When the customer confirmed the charge, by the merchant's clock. Absent for renewals and retries."""


class InvoicePaymentFailed(EventData):
    """An attempt to collect the invoice failed. The invoice stays open and its amount stays owed."""

    TYPE = "billing.invoicing.InvoicePaymentFailed.v1"

    subscription_id: UUID
    """The subscription that the invoice belongs to."""
    period: Period
    """The period that is not paid."""
    amount: Money
    """What the attempt was to collect: the invoice's total."""
    charge_id: UUID
    """The attempt, as in PaymentFailed."""
    attempt: int
    """Number of the attempt, from 1 for each invoice."""
    code: FailureCode
    """Why the attempt failed."""
    retryable: bool
    """True when the same card may succeed later; false when only another card can."""
    payment_method: Card | None = None
    """The card of the attempt. Absent when no card was on file."""
    followed: bool = False
    """True when the next attempt has begun already, with a card that the customer confirmed in the meantime."""
    manual: bool = False
    """True when the attempt was requested, with a card on file. It does not move the schedule of retries."""
    needs_confirmation: bool = False
    """True when nothing was tried: the charge would follow from a confirmation that does not list it."""


class InvoiceVoided(EventData):
    """The invoice is void: nothing is owed for it. A payment that succeeds all the same is refunded."""

    TYPE = "billing.invoicing.InvoiceVoided.v1"

    subscription_id: UUID
    """The subscription that the invoice belongs to."""
    reason: Literal["subscription_cancelled", "merchant"]
    """Why: the subscription was cancelled before the invoice was paid, or the merchant voided the invoice."""


class CreditNoteLine(Shape):
    """What a credit note takes off one line of the invoice. Amounts are negative; `net` plus `tax` is `total`."""

    line_number: int
    """Number of the invoice's line, from 1."""
    plan_name: str
    """Name of the plan, as on the invoice."""
    description: str
    """Text of the line, as on the invoice."""
    period: Period
    """The period that the invoice's line charges."""
    net: Money
    """Amount without tax."""
    tax: Money
    """Tax, at the invoice's rate."""
    total: Money
    """Amount with tax."""


class CreditNoteIssued(EventData):
    """A credit note was issued: it takes a part of a paid invoice back, or all of it. A refund of the same amount follows.

    The aggregate is the invoice. The credit notes of an invoice together are at most its total.
    """

    TYPE = "billing.invoicing.CreditNoteIssued.v1"

    credit_note_id: UUID
    """Id of the credit note, and the `refund_id` of the refund that settles it."""
    number: Annotated[str, Field(examples=["TS-NC-000001"])]
    """Number of the credit note, from a series of its own without gaps: the invoice's series, `-NC` and a counter."""
    issued_on: date
    """Date of issue, in the merchant's time zone. It never precedes the date of a lower number."""
    invoice_number: Annotated[str, Field(examples=["TS-000014"])]
    """Number of the invoice."""
    invoice_issued_on: date
    """Date of issue of the invoice."""
    subscription_id: UUID
    """The subscription that the invoice belongs to."""
    charge_id: UUID
    """The attempt that paid the invoice, which is refunded."""
    reason: Annotated[str, Field(examples=["customer_request"])]
    """`customer_request`, `duplicate`, `billing_error`, `service_issue`, `goodwill` or `other_reason`. More values may come."""
    lines: tuple[CreditNoteLine, ...]
    """What is taken off the invoice's lines. Their totals add up to `total`."""
    tax: Tax | None = None
    """The tax of the invoice. Absent when none applies."""
    net_total: Money
    """Sum of the lines without tax; negative."""
    tax_total: Money
    """Sum of the lines' taxes; negative."""
    total: Money
    """What the invoice is reduced by: `net_total` plus `tax_total`; negative."""


class InvoiceMarkedUncollectible(EventData):
    """The merchant has stopped collecting the invoice. The debt remains. No service publishes this event yet."""

    TYPE = "billing.invoicing.InvoiceMarkedUncollectible.v1"

    subscription_id: UUID
    """The subscription that the invoice belongs to."""
