"""An invoice as it is read: what was issued, how far it is settled, and to whom it was made out."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from invoicing.domain.events import Card, Event, Issued, Paid, PaymentFailed, Voided
from invoicing.domain.invoice import Status
from invoicing.domain.parties import BillTo


@dataclass(frozen=True, slots=True)
class Settlement:
    """How far an invoice is settled; `at` is when it was paid or voided."""

    status: Status = Status.OPEN
    at: datetime | None = None
    card: Card | None = None


@dataclass(frozen=True, slots=True)
class InvoiceView:
    merchant_id: UUID
    id: UUID
    version: int
    issued: Issued
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Document:
    """All that one printed invoice shows, and nothing that changes without it: the same document, the same bytes."""

    issued: Issued
    settlement: Settlement
    bill_to: BillTo | None
    """None once the law's term has ended and its key was destroyed."""


def settled(before: Settlement, event: Event) -> Settlement:
    match event:
        case Issued():
            return Settlement()
        case Paid():
            return Settlement(Status.PAID, event.at, event.card)
        case Voided():
            return replace(before, status=Status.VOID, at=event.at)
        case PaymentFailed():
            return before
