"""A customer's view as the portal shows it: the facts, the accepted commands, and how current they are."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict
from uuid import UUID

from portal_gateway.domain.access import Session
from portal_gateway.domain.view import CustomerView

STALE_AFTER = timedelta(seconds=15)
"""Facts older than this are shown as stale."""
PendingKind = Literal["cancellation", "cancellation_withdrawn", "payment_method", "charge"]

_POSITION = re.compile(r"((?:subscription|wallet|payment|invoice|customer)-[0-9a-f-]{36}):([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """A version of an aggregate that a page waits for: `subscription-<uuid>:7`."""

    aggregate: str
    version: int

    @classmethod
    def read(cls, text: str | None) -> "Position | None":
        """Parse a URL's `after`; None if it is not a position."""
        match = _POSITION.fullmatch(text or "")
        return cls(match[1], int(match[2])) if match else None

    def __str__(self) -> str:
        return f"{self.aggregate}:{self.version}"


def subscription_stream(subscription_id: UUID) -> str:
    """The aggregate's name in a Position."""
    return f"subscription-{subscription_id}"


class Pending(TypedDict):
    """An accepted command: its service has stored it, and its event has not arrived here yet."""

    kind: PendingKind
    aggregate: str
    version: int
    accepted_at: str
    detail: dict[str, Any]
    """cancellation: mode, effective_at · payment_method: brand, last4, exp_month, exp_year · charge: invoice_id"""


@dataclass(frozen=True, slots=True)
class View:
    """All data of a page, read in one round trip."""

    merchant: dict[str, Any]
    """The data of MerchantConfigured, and `id`."""
    now: datetime
    """The merchant's clock, in UTC. Card expiry and sentences about dates use it."""
    revision: int
    """0: no event of this customer has arrived yet."""
    facts: CustomerView
    pending: tuple[Pending, ...]
    as_of: datetime
    """Wall clock: the view contains everything that any service committed before it. If unknown: now, and `stale`."""
    stale: bool
    """`as_of` is unknown or older than STALE_AFTER, or an event of this customer is missing."""
    merchant_behind: bool = False
    """An event of the merchant is missing, so its configuration may be outdated."""


@dataclass(frozen=True, slots=True)
class Visit:
    session: Session
    view: View
