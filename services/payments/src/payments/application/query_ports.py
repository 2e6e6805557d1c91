"""The ports to rows that the HTTP interface lists. The adapters implement them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID


class PaymentReader(Protocol):
    """Rows of attempts and methods, for the HTTP interface."""

    async def attempts(self, merchant_id: UUID, invoice_id: UUID, customer_id: UUID | None) -> Sequence[dict[str, Any]]:
        """The attempts to collect an invoice, oldest first; only the customer's if one is given."""
        ...

    async def methods(self, merchant_id: UUID, customer_id: UUID) -> Sequence[dict[str, Any]]:
        """The customer's methods on file, the default first."""
        ...

    async def method(self, merchant_id: UUID, method_id: UUID) -> dict[str, Any] | None:
        """A method, also a removed one. The caller must compare its owner."""
        ...


@dataclass(frozen=True, slots=True)
class DisputeFilter:
    """What is not None narrows the list."""

    customer_id: UUID | None = None
    invoice_id: UUID | None = None
    status: str | None = None


DisputePosition: TypeAlias = tuple[datetime, UUID]
"""The place in the list: when the dispute was opened, and its id."""


class DisputeReader(Protocol):
    """Rows of disputes, for the HTTP interface."""

    async def page(
        self, merchant_id: UUID, disputes: DisputeFilter, after: DisputePosition | None, limit: int
    ) -> Sequence[dict[str, Any]]:
        """The merchant's disputes, newest first, after this position."""
        ...
