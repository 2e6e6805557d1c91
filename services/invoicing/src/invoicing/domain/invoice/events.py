"""The events of an invoice, in their usual order. Amounts are minor units of its currency."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias
from uuid import UUID

from invoicing.domain.credit import CreditLine
from invoicing.domain.parties import Letterhead, Seller
from invoicing.domain.plan import Period, Plan, Tax
from invoicing.domain.totals import Line, Totals

VoidReason = Literal["subscription_cancelled", "merchant"]
CreditReason = Literal["customer_request", "duplicate", "billing_error", "service_issue", "goodwill", "other_reason"]
FailureCode = Literal[
    "card_declined", "insufficient_funds", "expired_card", "incorrect_cvc", "no_payment_method", "processing_error"
]


@dataclass(frozen=True, slots=True)
class Card:
    """The payment method of a charge, with the card details that may be stored."""

    id: UUID
    brand: Literal["visa", "mastercard", "amex", "other"]
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class Issued:
    """All that is printed, except the buyer's details, which are stored separately, encrypted."""

    number: str
    series: str
    ordinal: int
    issued_on: date
    customer_id: UUID
    subscription_id: UUID
    plan: Plan
    period: Period
    period_number: int
    lines: tuple[Line, ...]
    tax: Tax | None
    totals: Totals
    seller: Seller
    letterhead: Letterhead
    bill_to_sha256: str
    """SHA-256 of the buyer's encrypted details, in hex."""
    at: datetime
    period_zone: str | None = None
    """IANA zone of the period's dates. None on older invoices: the letterhead's zone."""

    @property
    def currency(self) -> str:
        return self.plan.currency

    @property
    def zone_of_period(self) -> str:
        return self.period_zone or self.letterhead.time_zone


@dataclass(frozen=True, slots=True)
class Paid:
    charge_id: UUID
    amount: int
    card: Card | None
    at: datetime
    agreed_at: datetime | None = None
    """When the charge was confirmed, if it follows from a confirmation."""


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    charge_id: UUID
    attempt: int
    amount: int
    code: FailureCode
    retryable: bool
    """False if only another card can succeed."""
    card: Card | None
    at: datetime
    followed: bool = False
    """Whether the next attempt has begun already."""
    manual: bool = False
    """Whether it was requested with the card on file."""
    needs_confirmation: bool = False
    """Whether no attempt was made, because no confirmation lists the charge."""


@dataclass(frozen=True, slots=True)
class Voided:
    reason: VoidReason
    at: datetime


@dataclass(frozen=True, slots=True)
class Credited:
    """A credit note was issued. Amounts are negative."""

    credit_note_id: UUID
    number: str
    series: str
    ordinal: int
    issued_on: date
    reason: CreditReason
    lines: tuple[CreditLine, ...]
    totals: Totals
    at: datetime


Event: TypeAlias = Issued | Paid | PaymentFailed | Voided | Credited
