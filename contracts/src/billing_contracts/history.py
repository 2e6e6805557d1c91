"""A customer's payment history as lines of JSON: the download `ndjson`, one object per movement and line."""

import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from billing_contracts.envelope import Instant
from billing_contracts.money import Currency

MovementKind = Literal["invoice", "payment", "failed_attempt", "refund", "void"]
MovementStatus = Literal["open", "paid", "voided", "succeeded", "failed"]
Brand = Literal["visa", "mastercard", "amex", "other"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class HistoryPeriod(_Part):
    """The days of a billing period, where the subscription began."""

    start: datetime.date
    """The first day."""
    end: datetime.date
    """The day after the last, on which the next period begins."""


class HistoryCard(_Part):
    """The card of a payment."""

    brand: Brand
    """The card's network."""
    last4: Annotated[str, Field(pattern="^[0-9]{4}$")]
    """Last four digits of the card number."""


class HistoryLine(_Part):
    """One movement. Days are those where the merchant is; amounts are whole minor units: 2999 is 29.99 USD.

    The days of a period are those of the place where the subscription began.
    """

    date: datetime.date
    """The day of the movement, where the merchant is. An invoice's own is the one printed on it."""
    at: Instant
    """When it happened, by the merchant's clock."""
    kind: MovementKind
    """What happened."""
    invoice_id: UUID
    """The invoice that the movement belongs to."""
    invoice_number: str
    """Number of the invoice, as printed on it."""
    plan: str
    """What was sold, as the invoice names it."""
    period: HistoryPeriod
    """What the invoice is for."""
    net_minor: int | None
    """Amount without tax. Only the lines of an invoice and of its credit notes have it."""
    tax_minor: int | None
    """Tax. Only the lines of an invoice and of its credit notes have it."""
    total_minor: int
    """Positive is owed, negative is paid or forgiven, a failed attempt is 0: an invoice's lines sum to its balance, and to what
    the customer's bank returned after a dispute, which is not collected again.
    """
    currency: Currency
    """ISO 4217 code of the line's amounts."""
    status: MovementStatus | None
    """The invoice's status now; for a payment or a refund whether it succeeded."""
    payment_method: HistoryCard | None
    """The card of a payment, a failed attempt or a refund."""
    reason: str | None
    """Why an attempt failed, an invoice was voided or credited, or money went back: a code."""
    reference: str | None
    """The payment provider's reference; of a credit note its number."""
    detail: Annotated[str | None, Field(examples=["credit_note"])] = None
    """The precise kind, if it is newer than `kind`'s values: `credit_note` with the kind `void`, `chargeback` with the kind
    `refund` (the customer's bank returned the money after a dispute). More values may come.
    """
