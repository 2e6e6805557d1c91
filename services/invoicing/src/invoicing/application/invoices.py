"""The read model of an invoice: the issued facts, the settlement and the buyer."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

from invoicing.domain.invoice.events import Card, Issued
from invoicing.domain.invoice.invoice import Status
from invoicing.domain.parties import BillTo


@dataclass(frozen=True, slots=True)
class Settlement:
    """The state of an invoice. `at`: when it was paid or voided; `refunded_at`: when the payment of a void one was refunded."""

    status: Status = Status.OPEN
    at: datetime | None = None
    card: Card | None = None
    refunded_at: datetime | None = None
    reference: str | None = None
    """The payment provider's reference of the payment. None unless it is paid."""
    credited: int = 0
    """What credit notes took off the total, in minor units."""
    refunded: int = 0
    """What went back to the customer, in minor units."""


SortKey: TypeAlias = tuple[date, int, UUID]
"""The sort key of invoices: day of issue, number in the series, id."""


@dataclass(frozen=True, slots=True)
class InvoiceView:
    merchant_id: UUID
    id: UUID
    version: int
    issued: Issued
    settlement: Settlement

    @property
    def sort_key(self) -> SortKey:
        return self.issued.issued_on, self.issued.ordinal, self.id


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Conditions on invoices. None matches any value."""

    customer_id: UUID | None = None
    status: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """All data of a printed invoice. Equal documents give equal bytes."""

    issued: Issued
    settlement: Settlement
    bill_to: BillTo | None
    """None once its key has been destroyed, after the statutory retention period."""
