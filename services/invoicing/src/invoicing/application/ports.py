"""What the reactions need of the world; the adapters fulfil it. Connections are opaque here."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from billing_contracts.customers import CustomerProfile
from billing_contracts.subscriptions import MerchantConfigured, SubscriptionCancelled, SubscriptionRenewalDue
from chassis.aggregate import Stream
from chassis.consuming import Batch, Erased, Received
from chassis.store import Statement
from invoicing.application.invoices import InvoiceView
from invoicing.application.movements import Movement
from invoicing.domain.parties import BillTo


@dataclass(frozen=True, slots=True)
class Sealed:
    sha256: str
    """Of the ciphertext, in hex."""
    keep: Statement
    """Keeps the ciphertext."""


class Vault(Protocol):
    """Where the buyers' particulars are kept, encrypted."""

    async def keys(self, connection: Any, merchant_id: UUID, customers: Collection[UUID]) -> Mapping[UUID, bytes]:
        """The customers' keys, making those that do not exist in the connection's transaction.

        Nobody else may be making keys for the same merchant meanwhile.
        """

    def seal(self, key: bytes, merchant_id: UUID, customer_id: UUID, invoice_id: UUID, buyer: BillTo) -> Sealed:
        """Encrypts them under the customer's key."""

    async def open(self, connection: Any, merchant_id: UUID, invoices: Sequence[InvoiceView]) -> Mapping[UUID, BillTo]:
        """By invoice; those whose key was destroyed are absent.

        Raises Tampered when a ciphertext is not the one that the invoice names.
        """


class Desk(Protocol):
    """Where invoices are opened, and closed with their subscription."""

    def stream(self, received: Received[SubscriptionRenewalDue]) -> list[Stream]: ...

    async def renewal_due(self, received: Received[SubscriptionRenewalDue], batch: Batch) -> None: ...

    async def cancelled(self, received: Received[SubscriptionCancelled], batch: Batch) -> None: ...

    async def profile(self, received: Received[CustomerProfile], batch: Batch) -> None: ...

    async def merchant(self, received: Received[MerchantConfigured], batch: Batch) -> None: ...

    async def erased(self, erased: Erased, batch: Batch) -> None: ...


RecordMovement: TypeAlias = Callable[[UUID, Movement], Statement]
"""(merchant, movement) -> the row that tells it"""


FindLogo: TypeAlias = Callable[[str], Awaitable[bytes]]
"""The SHA-256 of a merchant's logo, in hex -> its WebP, which never changes"""


class Tampered(Exception):
    """What is kept, or was fetched, is not what its hash says."""
