"""What the invoicing service announces on `billing.invoicing`. Aggregates: `invoice-<uuid>`."""

from datetime import date
from typing import Literal
from uuid import UUID, uuid5

from billing_contracts.envelope import EventData, Instant
from billing_contracts.money import Money
from billing_contracts.payments import FailureCode
from billing_contracts.shapes import Card, Period, Plan, Shape, Tax
from billing_contracts.subscriptions import LegalIdentity


def invoice_id(subscription_id: UUID, period: Period) -> UUID:
    """The id of a subscription's one invoice for a period, known before it is issued."""
    return uuid5(subscription_id, period.start.isoformat())


class InvoiceLine(Shape):
    plan_name: str
    description: str
    period: Period
    quantity: int
    unit_price: Money
    net: Money
    tax: Money
    total: Money


class InvoiceIssued(EventData):
    """All that is printed on the invoice but for the buyer, whose particulars are on no topic."""

    TYPE = "billing.invoicing.InvoiceIssued.v1"

    number: str
    """`TS-000001`: per merchant without gaps."""
    issued_on: date
    """In the merchant's time zone; never before that of the number before."""
    subscription_id: UUID
    plan: Plan
    period: Period
    period_number: int
    lines: tuple[InvoiceLine, ...]
    tax: Tax | None = None
    net_total: Money
    tax_total: Money
    total: Money
    seller: LegalIdentity
    period_time_zone: str | None = None
    """IANA: the subscription's, in which the dates of the period are shown. The merchant's when absent."""


class InvoicePaid(EventData):
    TYPE = "billing.invoicing.InvoicePaid.v1"

    subscription_id: UUID
    period: Period
    amount: Money
    paid_at: Instant
    charge_id: UUID
    payment_method: Card | None = None
    agreed_at: Instant | None = None
    """When the charge was confirmed, where it follows from a confirmation."""


class InvoicePaymentFailed(EventData):
    TYPE = "billing.invoicing.InvoicePaymentFailed.v1"

    subscription_id: UUID
    period: Period
    amount: Money
    charge_id: UUID
    attempt: int
    code: FailureCode
    retryable: bool
    payment_method: Card | None = None
    followed: bool = False
    """True: the next attempt has begun already, with a card that the customer agreed to meanwhile."""
    manual: bool = False
    """True: the attempt was requested, with a card on file. It does not move the schedule of retries."""
    needs_confirmation: bool = False
    """True: nothing was tried, because the charge would follow from a confirmation that does not list it."""


class InvoiceVoided(EventData):
    TYPE = "billing.invoicing.InvoiceVoided.v1"

    subscription_id: UUID
    reason: Literal["subscription_cancelled", "merchant"]


class InvoiceMarkedUncollectible(EventData):
    TYPE = "billing.invoicing.InvoiceMarkedUncollectible.v1"

    subscription_id: UUID
