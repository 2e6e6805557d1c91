"""The commands of an invoice. Each carries its time, ids and numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from invoicing.domain.credit import TaxContained
from invoicing.domain.invoice.events import Card, CreditReason, FailureCode, VoidReason
from invoicing.domain.numbering import SeriesNumber
from invoicing.domain.parties import Letterhead, Seller
from invoicing.domain.plan import Period, Plan, Tax
from invoicing.domain.totals import Amounts


@dataclass(frozen=True, slots=True)
class Issue:
    series_number: SeriesNumber
    customer_id: UUID
    subscription_id: UUID
    plan: Plan
    quantity: int
    period: Period
    period_number: int
    tax: Tax | None
    amounts: Amounts
    """The amounts of price times quantity with that tax."""
    seller: Seller
    letterhead: Letterhead
    bill_to_sha256: str
    at: datetime
    period_zone: str | None = None
    """IANA zone of the period's dates. None: the letterhead's."""


@dataclass(frozen=True, slots=True)
class RecordPayment:
    """Given when a charge for the invoice has succeeded."""

    charge_id: UUID
    amount: int
    currency: str
    card: Card | None
    at: datetime
    agreed_at: datetime | None = None
    """When the charge was confirmed, if it follows from a confirmation."""


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """Given when a charge for the invoice has failed."""

    charge_id: UUID
    attempt: int
    amount: int
    code: FailureCode
    retryable: bool
    card: Card | None
    at: datetime
    followed: bool = False
    """Whether the next attempt has begun already."""
    manual: bool = False
    """Whether it was requested with the card on file."""
    needs_confirmation: bool = False
    """Whether no attempt was made, because no confirmation lists the charge."""


@dataclass(frozen=True, slots=True)
class Void:
    reason: VoidReason
    at: datetime


@dataclass(frozen=True, slots=True)
class Credit:
    """Issue a credit note for a paid invoice."""

    credit_note_id: UUID
    series_number: SeriesNumber
    amount: int | None
    """With tax, positive. None: all that is left of the invoice."""
    currency: str | None
    """Compared with the invoice's when given."""
    reason: CreditReason
    contained: TaxContained
    at: datetime


Command: TypeAlias = Issue | RecordPayment | RecordFailure | Void | Credit
