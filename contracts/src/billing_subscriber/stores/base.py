"""What a subscriber's database must offer: one transaction for the effect and for the kit's own rows.

Two tables, which every store makes when they are absent. `billing_handled` has a row for each event that had its effect;
`billing_positions` has one for each aggregate, with the sequence it has reached and the sequences that are missing.
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
        """What effects write with."""
        ...

    async def claim(self, event_id: UUID) -> bool:
        """Records that the event has its effect in this transaction. False when it had it before.

        While another transaction holds an uncommitted claim for the same event, this waits for its end, or raises.
        """
        ...

    async def position(self, merchant_id: UUID, aggregate: str) -> Position: ...

    async def move(self, merchant_id: UUID, aggregate: str, position: Position) -> None: ...

    async def forget(self) -> None:
        """Deletes all rows of the group: no event was ever handled."""
        ...


class Store(Protocol[Tx_co]):
    def unit(self, group: str) -> AbstractAsyncContextManager[Unit[Tx_co]]: ...

    async def close(self) -> None: ...
