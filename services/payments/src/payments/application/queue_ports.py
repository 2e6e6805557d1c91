"""The ports to due work: charges, refunds, disputes and cards that a worker claims. The adapters implement them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from payments.application.charges import ChargeOrder, RefundOrder
from payments.domain.confirmation import Consent
from payments.domain.shapes import Method


@dataclass(frozen=True, slots=True)
class RemovedMethod:
    """A card that is to be detached at the provider."""

    merchant_id: UUID
    customer_id: UUID
    method_id: UUID


@dataclass(frozen=True, slots=True)
class ReportedMethod:
    """A card on file that has changed at the provider."""

    merchant_id: UUID
    customer_id: UUID
    method_id: UUID
    due_again: datetime
    """When the lease of the claim ends, by the wall clock."""


class ReportedMethods(Protocol):
    """Cards on file that are to be read at the provider. One worker at a time claims each, for `lease` seconds."""

    async def claim(self, most: int, lease: float) -> list[ReportedMethod]: ...

    async def read(self, reported: ReportedMethod) -> None:
        """The card was read. It stays due if another change was reported since the claim."""
        ...


class RemovedMethods(Protocol):
    """Removed methods that the provider still has. One worker at a time claims each, for `lease` seconds."""

    async def claim(self, most: int, lease: float) -> list[RemovedMethod]:
        """Methods that no open charge is made with."""
        ...

    async def forgotten(self, removed: RemovedMethod) -> None: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """An open charge that a worker has claimed."""

    order: ChargeOrder
    invoice_id: UUID
    calls: int
    """How often it has been claimed, this claim included."""
    voided: bool
    """Whether the invoice was voided since the attempt began."""
    correlation_id: UUID
    causation_id: UUID
    left: bool = False
    """Whether it has waited for the customer long enough, or the customer has confirmed another card meanwhile."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A charge that a customer agreed to while another one was open. That one has ended."""

    merchant_id: UUID
    invoice_id: UUID
    method: Method
    at: datetime
    """When the last attempt ended, by the merchant's clock."""
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class AgreedMethod:
    """How a customer has agreed to pay an invoice next."""

    method: Method
    consent: Consent | None = None
    """None for agreements from before confirmations were stored."""


@dataclass(frozen=True, slots=True)
class DueRefund:
    """A requested refund that a worker has claimed."""

    order: RefundOrder
    invoice_id: UUID
    calls: int
    """How often it has been claimed, this claim included."""
    correlation_id: UUID
    causation_id: UUID


@dataclass(frozen=True, slots=True)
class DueDisputes:
    """A charge with disputes to read, which a worker has claimed."""

    order: ChargeOrder
    invoice_id: UUID
    calls: int
    """How often it has been claimed since an event named it, this claim included."""
    correlation_id: UUID
    causation_id: UUID


class DisputeQueue(Protocol):
    """Charges with disputes that are to be read at the provider. One worker at a time claims each, for `lease` seconds."""

    async def disputes(self, most: int, lease: float) -> list[DueDisputes]: ...

    async def postpone_disputes(self, due: DueDisputes, seconds: float | None) -> None:
        """Make the charge's disputes due again after `seconds`. None: when an event names it again."""
        ...


class ChargeQueue(Protocol):
    """Due work. One worker at a time claims each piece, for `lease` seconds."""

    async def attempts(self, most: int, lease: float) -> list[Attempt]: ...

    async def unrequested_refunds(self, most: int, lease: float) -> list[Attempt]:
        """Charges that paid an invoice which was voided, without a request to refund them."""
        ...

    async def refunds(self, most: int, lease: float) -> list[DueRefund]:
        """Requested refunds without an outcome, and made ones that may have failed meanwhile."""
        ...

    async def agreements(self, most: int, lease: float) -> list[Agreement]: ...

    async def agreed(self, merchant_id: UUID, invoice_id: UUID) -> AgreedMethod | None:
        """The card with which the customer agreed to pay the invoice next."""
        ...

    async def backup(self, merchant_id: UUID, customer_id: UUID) -> Method | None:
        """The customer's backup card, which is on file only with the customer's consent."""
        ...

    async def forget(self, agreement: Agreement) -> None: ...

    async def postpone(self, attempt: Attempt, seconds: float) -> None:
        """Make the charge due again after `seconds`."""
        ...

    async def postpone_refund(self, refund: DueRefund, seconds: float) -> None: ...

    async def confirm_refund(self, refund: DueRefund) -> None:
        """A refund that was made has not failed."""
        ...


@dataclass(frozen=True, slots=True)
class OneTimeMethod:
    """A card that pays one invoice and is not stored in the wallet."""

    merchant_id: UUID
    customer_id: UUID
    invoice_id: UUID
    method_id: UUID
    provider: str
    calls: int = 0
    """How often the provider was requested to forget it."""


class OneTimeMethods(Protocol):
    """Cards for one payment that the provider still has to forget. One worker at a time claims each."""

    async def keep(self, method: OneTimeMethod) -> None:
        """Store the card, to be forgotten after its charge, or after a few minutes if none starts."""
        ...

    async def claim(self, most: int, lease: float) -> list[OneTimeMethod]:
        """Cards that no open charge uses."""
        ...

    async def forgotten(self, method: OneTimeMethod) -> None: ...
