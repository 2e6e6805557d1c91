"""What the portal answers with: to the JSON API and to the page alike. Shapes of facts, no words."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NotRequired, TypedDict
from uuid import UUID

from portal_gateway.domain.access import Flow, LinkKind, Session
from portal_gateway.domain.settlement import Effect
from portal_gateway.domain.view import CustomerView, InvoiceRow, InvoiceStatus, Money, Period

ExportFormat = Literal["csv", "zip", "ndjson"]
STALE_AFTER = timedelta(seconds=15)
"""As of so long ago is late."""
PendingKind = Literal["cancellation", "cancellation_withdrawn", "payment_method", "charge"]
CancelMode = Literal["at_period_end", "immediately"]


_POSITION = re.compile(r"((?:subscription|wallet|payment|invoice|customer)-[0-9a-f-]{36}):([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """A version of an aggregate that somebody wants to see: `subscription-<uuid>:7`."""

    aggregate: str
    version: int

    @classmethod
    def read(cls, text: str | None) -> "Position | None":
        """Of a URL's `after`: None for anything else."""
        found = _POSITION.fullmatch(text or "")
        return cls(found[1], int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.aggregate}:{self.version}"


class Pending(TypedDict):
    """A command that its service has accepted and whose event has not arrived here yet."""

    kind: PendingKind
    aggregate: str
    version: int
    accepted_at: str
    detail: dict[str, Any]
    """cancellation: mode, effective_at · payment_method: brand, last4, exp_month, exp_year · charge: invoice_id"""


@dataclass(frozen=True, slots=True)
class View:
    """All that a page needs, from one round trip."""

    merchant: dict[str, Any]
    """The data of MerchantConfigured, and `id`."""
    now: datetime
    """By the merchant's clock, in UTC: of this are card expiry and all words about dates."""
    revision: int
    """0: nothing has arrived of this customer yet."""
    facts: CustomerView
    pending: tuple[Pending, ...]
    as_of: datetime
    """Wall clock: everything that was committed anywhere before this instant is shown. While none is known: now, and stale."""
    stale: bool
    """`as_of` is longer ago than STALE_AFTER or not known, or an event of this customer's is missing."""
    merchant_behind: bool = False
    """An event of the merchant's is missing: its configuration may be another."""


@dataclass(frozen=True, slots=True)
class Visit:
    session: Session
    view: View


@dataclass(frozen=True, slots=True)
class Entered:
    """A link was exchanged. `cookie` is the session's secret: set it, never store or log it."""

    session: Session
    cookie: str
    kind: LinkKind
    flow: Flow | None


class CancellationPreview(TypedDict):
    mode: CancelMode
    effective_at: str
    access_until: str
    """Before `effective_at` when access has ended already."""
    open_amount: Money | None
    open_invoices: Literal["void", "keep"] | None
    """Null beside an amount: it is being charged, and nothing ends yet."""
    paid_until: NotRequired[str | None]
    """The end of the paid time that is given up."""


class CancellationAccepted(TypedDict):
    aggregate: str
    version: int
    effective_at: str
    access_until: NotRequired[str]
    mode: CancelMode
    card_number_removed: NotRequired[bool]
    """The comment held a card number, which is not kept."""


class Accepted(TypedDict):
    aggregate: str
    version: int


class DueCharge(TypedDict):
    """What a confirmation would charge: an open invoice, or a period that has begun. Its invoice is issued later."""

    invoice_id: str
    number: str | None
    """None before the invoice is issued: it has an id by then, and a period."""
    amount: Money
    subscription_id: NotRequired[str]
    period: NotRequired[Period]
    effect: NotRequired[Effect]
    """What paying the open invoice does to its subscription, as its owner says."""


class Dues(TypedDict):
    due: list[DueCharge]
    total: Money | None
    more: NotRequired[bool]
    """Whether still more periods have begun than are listed."""


class CardSetup(Dues):
    setup_id: str
    frame_url: str


class PaymentPreview(Dues):
    invoice_id: str
    running: bool


class PaymentBegun(Dues):
    id: str
    """Of the charge."""
    invoice_id: str
    aggregate: str
    version: int
    payment_method: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What was shown and is confirmed: the sum of everything that follows, and what is None was not shown."""

    payment_method_id: UUID
    amount: Money
    charge_invoices: Sequence[UUID] | None = None
    effect: str | None = None


class ChargeStarted(TypedDict):
    invoice_id: str
    aggregate: str
    version: int


class CardUpdated(TypedDict):
    aggregate: str
    version: int
    payment_method: dict[str, Any]
    """id, brand, last4, exp_month, exp_year"""
    charges: list[ChargeStarted]


@dataclass(frozen=True, slots=True)
class InvoiceQuery:
    year: int | None = None
    status: InvoiceStatus | None = None
    cursor: str | None = None
    limit: int = 12


@dataclass(frozen=True, slots=True)
class InvoicePage:
    items: list[InvoiceRow]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """A whole file."""

    content: bytes
    media_type: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is passed on while it is being made. When its making fails midway, iterating raises: abort the connection.

    Whoever takes it says when it is over, whether it has begun or not.
    """

    chunks: AsyncGenerator[bytes]
    over: Callable[[], Awaitable[None]]
    media_type: str
    filename: str


class ExportProgress(TypedDict):
    """In documents; a file without documents has none."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who knocks, as far as the connection tells."""

    address: str


def subscription_stream(subscription_id: UUID) -> str:
    """The aggregate's name in a Position."""
    return f"subscription-{subscription_id}"
