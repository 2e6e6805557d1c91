"""The interface of a subscriber's database: one transaction for the effect and for this library's rows.

Every store creates two tables if they do not exist. `billing_handled` has a row for each event that had its effect;
`billing_positions` has one for each aggregate, with its highest sequence and the missing sequences.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar
from uuid import UUID

from billing_subscriber.positions import Position

Tx_co = TypeVar("Tx_co", covariant=True)


class Unit(Protocol[Tx_co]):
    """One transaction on behalf of one consumer group. Any exception rolls all of it back."""

    @property
    def tx(self) -> Tx_co:
        """The transaction object passed to effects."""
        ...

    async def claim(self, event_id: UUID) -> bool:
        """Record that the event is handled in this transaction. False if it was handled before.

        If another transaction has an uncommitted claim for the event, wait for its end or raise.
        """
        ...

    async def position(self, merchant_id: UUID, aggregate: str) -> Position: ...

    async def move(self, merchant_id: UUID, aggregate: str, position: Position) -> None: ...

    async def forget(self) -> None:
        """Delete all rows of the group, as if no event had been handled."""
        ...


class Store(Protocol[Tx_co]):
    def unit(self, group: str) -> AbstractAsyncContextManager[Unit[Tx_co]]: ...

    async def close(self) -> None: ...
