"""The complete payment history of a customer, as it is handed out: movements with what they were about."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from invoicing.application.invoices import Document
from invoicing.application.movements import Movement


@dataclass(frozen=True, slots=True)
class HistoryRow:
    movement: Movement
    on: date
    """The day, where the merchant is; an invoice's own is the one printed on it."""
    number: str
    plan_name: str
    period_start: date
    period_end: date
    """Days of the period where the subscription began."""
    status: str
    """Of an invoice's row: `open`, `paid` or `voided`; of the others: `succeeded` or `failed`; empty where nothing can fail."""


Rows: TypeAlias = AsyncIterator[list[HistoryRow]]
"""Pages of rows, oldest first: memory holds one page, however long the history."""
Documents: TypeAlias = AsyncIterator[list[Document]]
Render: TypeAlias = Callable[[Document], Awaitable[bytes]]
"""A document -> its PDF"""


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way. Whoever takes it closes the stream, and says when it is over, whether it has begun or not."""

    stream: AsyncGenerator[bytes]
    over: Callable[[], Awaitable[None]]
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running download is, in documents; a file without documents has none to wait for."""

    done: int
    total: int
