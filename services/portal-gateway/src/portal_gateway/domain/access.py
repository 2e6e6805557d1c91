"""Who may see a customer's page, and for how long. Wall clock throughout; instants are aware UTC datetimes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

LinkKind = Literal["portal", "session"]
"""`portal`: many uses, mailed or bookmarked; `session`: one use, for a customer whom the merchant has just authenticated."""

Flow = Literal["payment_method", "cancel"]
"""Where a link leads when not to the whole page."""

LONGEST: dict[LinkKind, timedelta] = {
    "portal": timedelta(days=366),
    "session": timedelta(minutes=10),
}
USUAL: dict[LinkKind, timedelta] = {
    "portal": timedelta(days=30),
    "session": timedelta(minutes=10),
}

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Link:
    """What is kept of a link; its secret only as a keyed hash."""

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
    """One browser that presented a link."""

    id: UUID
    merchant_id: UUID
    customer_id: UUID
    link_id: UUID
    started_at: datetime
    seen_at: datetime
    csrf: str
    """The token that every form of this session carries."""
    link_kind: LinkKind = "portal"
    flow: Flow | None = None
    locale: str | None = None
    """The link's, as are the kind and the flow."""
    return_url: str | None = None

    @property
    def ends_at(self) -> datetime:
        """When it ends unless the customer does something."""
        return min(self.seen_at + IDLE, self.latest_end)

    @property
    def latest_end(self) -> datetime:
        """When it ends whatever the customer does."""
        return self.started_at + ABSOLUTE


def lifetime(kind: LinkKind, asked_seconds: int | None) -> timedelta:
    """How long a new link is good for. Raises ValueError when more is asked than its kind allows, or nothing at all."""
    if asked_seconds is None:
        return USUAL[kind]
    asked = timedelta(seconds=asked_seconds)
    if not timedelta(0) < asked <= LONGEST[kind]:
        raise ValueError(f"a {kind} link lasts between 1 and {int(LONGEST[kind].total_seconds())} seconds")
    return asked
