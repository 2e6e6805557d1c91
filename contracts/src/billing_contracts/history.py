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
    start: datetime.date
    """The first day."""
    end: datetime.date
    """The day after the last, on which the next period begins."""


class HistoryCard(_Part):
    brand: Brand
    last4: Annotated[str, Field(pattern="^[0-9]{4}$")]


class HistoryLine(_Part):
    """One movement. Days are those where the merchant is; amounts are whole minor units: 2999 is 29.99 USD.

    The days of a period are those of the place where the subscription began.
    """

    date: datetime.date
    """An invoice's own is the one printed on it."""
    at: Instant
    kind: MovementKind
    invoice_id: UUID
    invoice_number: str
    plan: str
    """What was sold, as the invoice names it."""
    period: HistoryPeriod
    """What the invoice is for."""
    net_minor: int | None
    """Of an invoice's own line only, like the tax."""
    tax_minor: int | None
    total_minor: int
    """Positive is owed, negative is paid or forgiven, a failed attempt is 0: an invoice's lines sum to its balance."""
    currency: Currency
    status: MovementStatus | None
    """What has become of an invoice until now; whether an attempt or a refund succeeded."""
    payment_method: HistoryCard | None
    reason: str | None
    """Why an attempt failed, an invoice was voided or money went back: a code."""
    reference: str | None
    """The payment provider's."""
