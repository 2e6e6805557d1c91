"""An invoice as it is read: what was issued, how far it is settled, and to whom it was made out."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

from invoicing.domain.invoice.events import Card, Issued
from invoicing.domain.invoice.invoice import Status
from invoicing.domain.parties import BillTo


@dataclass(frozen=True, slots=True)
class Settlement:
    """How far an invoice is settled; `at` is when it was paid or voided, `refunded_at` when a void one was paid back."""

    status: Status = Status.OPEN
    at: datetime | None = None
    card: Card | None = None
    refunded_at: datetime | None = None


Place: TypeAlias = tuple[date, int, UUID]
"""An invoice's place among others: day of issue, number in the series, id."""


@dataclass(frozen=True, slots=True)
class InvoiceView:
    merchant_id: UUID
    id: UUID
    version: int
    issued: Issued
    settlement: Settlement

    @property
    def place(self) -> Place:
        return self.issued.issued_on, self.issued.ordinal, self.id


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Which invoices; None: any."""

    customer_id: UUID | None = None
    status: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """All that one printed invoice shows, and nothing that changes without it: the same document, the same bytes."""

    issued: Issued
    settlement: Settlement
    bill_to: BillTo | None
    """None once the law's term has ended and its key was destroyed."""
