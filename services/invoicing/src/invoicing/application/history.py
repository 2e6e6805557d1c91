"""A customer's complete payment history: movements with the facts of their invoices."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from invoicing.application.credit_notes import CreditNoteDocument
from invoicing.application.invoices import Document
from invoicing.application.movements import Movement


@dataclass(frozen=True, slots=True)
class HistoryRow:
    movement: Movement
    on: date
    """The day in the merchant's time zone; for an invoice the printed date."""
    number: str
    plan_name: str
    period_start: date
    period_end: date
    """Days of the period, in the time zone of the subscription."""
    status: str
    """For an invoice `open`, `paid` or `voided`; for others `succeeded` or `failed`; empty for movements that cannot fail."""


Rows: TypeAlias = AsyncIterator[list[HistoryRow]]
"""Pages of rows, oldest first. Memory holds one page at a time."""
Documents: TypeAlias = AsyncIterator[list[Document]]
CreditNoteDocuments: TypeAlias = AsyncIterator[list[CreditNoteDocument]]
Render: TypeAlias = Callable[[Document], Awaitable[bytes]]
"""A document -> its PDF"""


@dataclass(frozen=True, slots=True)
class Download:
    """A file to send. The caller must close the stream and then await `over`, even if it has read nothing."""

    stream: AsyncGenerator[bytes]
    over: Callable[[], Awaitable[None]]
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a running download, in documents. Both are 0 for a file without documents."""

    done: int
    total: int
