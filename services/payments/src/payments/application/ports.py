"""What workers have to do, and who tells them the time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from payments.application.providers import ChargeOrder
from payments.domain.confirmation import Consent
from payments.domain.shapes import Method


@dataclass(frozen=True, slots=True)
class Attempt:
    """An open charge that a worker has claimed, to ask the provider about it."""

    order: ChargeOrder
    invoice_id: UUID
    calls: int
    """How often it was claimed, this time included."""
    voided: bool
    """Whether the invoice was voided since the attempt began."""
    correlation_id: UUID
    causation_id: UUID


@dataclass(frozen=True, slots=True)
class Agreement:
    """A charge that a customer agreed to while another one was still open, and that nothing stands before now."""

    merchant_id: UUID
    invoice_id: UUID
    method: Method
    at: datetime
    """When the last attempt ended, by the merchant's clock."""
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Agreed:
    """How a customer has agreed to pay an invoice next."""

    method: Method
    consent: Consent | None = None
    """None for what was agreed before confirmations were stored."""


class ChargeQueue(Protocol):
    """What workers have to do, each claimed by one of them at a time; a claim ends by itself after `lease` seconds."""

    async def attempts(self, most: int, lease: float) -> list[Attempt]: ...

    async def refunds(self, most: int, lease: float) -> list[Attempt]:
        """Charges that paid an invoice which was voided."""
        ...

    async def agreements(self, most: int, lease: float) -> list[Agreement]: ...

    async def agreed(self, merchant_id: UUID, invoice_id: UUID) -> Agreed | None:
        """The card with which the customer agreed to pay the invoice next."""
        ...

    async def forget(self, agreement: Agreement) -> None: ...

    async def postpone(self, attempt: Attempt, seconds: float) -> None:
        """The provider is asked again about this charge after so long."""
        ...

    async def postpone_refund(self, attempt: Attempt, seconds: float) -> None: ...


class Clock(Protocol):
    async def now(self, merchant_id: UUID) -> datetime:
        """The merchant's, in UTC. Raises LookupError for an unknown merchant."""
        ...

    async def zone(self, merchant_id: UUID) -> str:
        """The merchant's, IANA. Raises LookupError for an unknown merchant."""
        ...
