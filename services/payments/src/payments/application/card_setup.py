"""What the card page and the opening of it need of the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from payments.application.dues import Due
from payments.domain.card_input import CardEntry
from payments.domain.shapes import Method


@dataclass(frozen=True, slots=True)
class CardToken:
    token: str
    method: Method


class Tokeniser(Protocol):
    """Only a provider whose card fields are ours has this: with a live one the browser gets its token by itself."""

    @property
    def numbers(self) -> frozenset[str]:
        """The published test numbers: no other is accepted."""
        ...

    async def tokenise(self, merchant_id: UUID, setup_id: UUID, entry: CardEntry) -> CardToken:
        """A token for one use in this set-up. Keeps neither number nor code."""
        ...


@dataclass(frozen=True, slots=True)
class SetUp:
    """One opening of the card page: for this customer, from this portal session."""

    id: UUID
    merchant_id: UUID
    customer_id: UUID
    session: str | None
    """Of the portal, as an opaque reference; None for a merchant's own back end."""
    locale: str
    colour: str | None
    """`#rrggbb`"""
    due: tuple[Due, ...]
    """What the customer is shown, and agrees to pay by confirming."""


class OpenSetUps(Protocol):
    async def open(self, setup_id: UUID) -> SetUp | None:
        """The set-up, while it can still be used: not after half an hour, nor once it has led to a new card."""
        ...

    async def blocked_for(self, merchant_id: UUID, customer_id: UUID) -> int:
        """Seconds until this customer's next card may be tried; 0 when it may be now."""
        ...


class SetUps(OpenSetUps, Protocol):
    async def begin(
        self, merchant_id: UUID, customer_id: UUID, session: str | None, locale: str, colour: str | None, due: Sequence[Due]
    ) -> SetUp: ...

    async def opening_blocked_for(self, merchant_id: UUID, customer_id: UUID) -> int:
        """Seconds until this customer can open the card page again; 0 when they can now."""
        ...

    async def show(self, merchant_id: UUID, setup_id: UUID, due: Sequence[Due]) -> None:
        """What the customer is shown from now on."""
        ...


class Customers(Protocol):
    async def known(self, merchant_id: UUID, customer_id: UUID) -> bool:
        """Whether the merchant has such a customer."""
        ...

    async def subscribed(self, merchant_id: UUID, customer_id: UUID) -> bool:
        """Whether a subscription of theirs still needs a card."""
        ...


@dataclass(frozen=True, slots=True)
class Merchant:
    """What a customer is told of whom they pay."""

    name: str
    now: datetime
    """By the merchant's clock, in their time zone."""


class Merchants(Protocol):
    async def merchant(self, merchant_id: UUID) -> Merchant | None: ...
