"""Links and sessions: who may see a customer's page, and for how long. Wall clock; instants are aware UTC datetimes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

LinkKind = Literal["portal", "session"]
"""`portal`: many uses, to mail or bookmark; `session`: one use, for a customer whom the merchant has just authenticated."""

Flow = Literal["payment_method", "cancel"]
"""The dialog that a link opens, instead of the whole page."""

AnyLink = LinkKind | Literal["invoice"]
"""`invoice`: an InvoiceLink."""

LIFETIME_MAX: dict[AnyLink, timedelta] = {
    "portal": timedelta(days=366),
    "invoice": timedelta(days=30),
    "session": timedelta(minutes=10),
}
LIFETIME_DEFAULT: dict[AnyLink, timedelta] = {
    "portal": timedelta(days=30),
    "invoice": timedelta(days=30),
    "session": timedelta(minutes=10),
}

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Link:
    """A stored link. Its secret is stored only as a keyed hash."""

    id: UUID
    merchant_id: UUID
    customer_id: UUID
    kind: LinkKind
    expires_at: datetime
    flow: Flow | None = None
    locale: str | None = None
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """The session of one browser that presented a link."""

    id: UUID
    merchant_id: UUID
    customer_id: UUID
    link_id: UUID
    started_at: datetime
    seen_at: datetime
    csrf: str
    """The token in every form of this session."""
    link_kind: LinkKind = "portal"
    flow: Flow | None = None
    locale: str | None = None
    """Kind, flow, locale and return URL come from the link."""
    return_url: str | None = None

    @property
    def customer_key(self) -> str:
        """What limits count for each customer."""
        return f"{self.merchant_id}/{self.customer_id}"

    @property
    def ends_at(self) -> datetime:
        """When it ends without further activity."""
        return min(self.seen_at + IDLE, self.latest_end)

    @property
    def latest_end(self) -> datetime:
        """When it ends regardless of activity."""
        return self.started_at + ABSOLUTE


@dataclass(frozen=True, slots=True)
class InvoiceLink:
    """A stored link to one invoice, for the person who pays it. Its secret is stored only as a keyed hash."""

    id: UUID
    merchant_id: UUID
    customer_id: UUID
    """The customer of the invoice, who may be another person than the payer."""
    invoice_id: UUID
    expires_at: datetime
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceSession:
    """The session of one browser that presented an invoice link. It reaches this invoice and nothing else.

    It is another type than Session, in another table and cookie, so that only code written for it can use it.
    """

    id: UUID
    merchant_id: UUID
    customer_id: UUID
    invoice_id: UUID
    link_id: UUID
    started_at: datetime
    seen_at: datetime
    csrf: str
    """The token in every form of this session."""
    locale: str | None = None
    """Of the link."""
    paying: str | None = None
    """The position of the payment that this session has started last: `payment-<uuid>:7`."""
    charge_id: UUID | None = None
    """The charge of that payment."""

    @property
    def ends_at(self) -> datetime:
        """When it ends without further activity."""
        return min(self.seen_at + IDLE, self.latest_end)

    @property
    def latest_end(self) -> datetime:
        """When it ends regardless of activity."""
        return self.started_at + ABSOLUTE


def lifetime(kind: AnyLink, requested_seconds: int | None) -> timedelta:
    """How long a new link is valid. Raises ValueError unless the request is between 1 s and the maximum of its kind."""
    if requested_seconds is None:
        return LIFETIME_DEFAULT[kind]
    requested = timedelta(seconds=requested_seconds)
    if not timedelta(0) < requested <= LIFETIME_MAX[kind]:
        raise ValueError(f"a {kind} link lasts between 1 and {int(LIFETIME_MAX[kind].total_seconds())} seconds")
    return requested
