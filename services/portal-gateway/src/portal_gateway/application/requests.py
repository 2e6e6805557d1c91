"""What a customer asks the portal for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from portal_gateway.domain.view import InvoiceStatus, Money

CancelMode = Literal["at_period_end", "immediately"]
Purpose = Literal["default", "add"]
"""`default`: the typed card becomes the default, and what is due is charged. `add`: it is stored beside the others."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """The sender of a request that has no session yet."""

    network: str
    """What a limit counts: the IPv4 address, or the IPv6 network of 64 bits."""


@dataclass(frozen=True, slots=True)
class CancelRequest:
    mode: CancelMode | None = None
    """None: the merchant's policy decides."""
    feedback: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """The payment that the customer saw and confirmed. A field that is None was not shown."""

    payment_method_id: UUID
    amount: Money
    """The sum of all charges that the confirmation starts."""
    charge_invoices: Sequence[UUID] | None = None
    effect: str | None = None


@dataclass(frozen=True, slots=True)
class Looks:
    """How a page of the payments service looks."""

    locale: str
    colour: str | None


@dataclass(frozen=True, slots=True)
class BackupConsent:
    """The text that the customer agreed to."""

    text: str
    """Its version."""
    language: str
    """BCP 47 tag of the language in which it was shown."""


@dataclass(frozen=True, slots=True)
class InvoiceQuery:
    year: int | None = None
    status: InvoiceStatus | None = None
    cursor: str | None = None
    limit: int = 12
