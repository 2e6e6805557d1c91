"""What the outside has to be able to do for this service."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

from payments.domain.entry import CardEntry
from payments.domain.shapes import FailureCode, Method, Money


@dataclass(frozen=True, slots=True)
class Taken:
    """The money was taken."""

    reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No money was taken, and none will be for this charge."""

    code: FailureCode
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """The provider knows of the charge and has not decided."""


@dataclass(frozen=True, slots=True)
class NeverHeardOf:
    """The provider has no such charge: asking for it again is safe."""


Outcome: TypeAlias = Taken | Refused
Status: TypeAlias = Taken | Refused | Pending | NeverHeardOf


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """Take this amount from this method, once for this charge id however often it is asked."""

    merchant_id: UUID
    customer_id: UUID
    charge_id: UUID
    method_id: UUID
    amount: Money
    at: datetime
    """The merchant's clock: cards expire by it."""


class NoAnswer(Exception):
    """The provider did not answer: it may have done what was asked, or not."""


class SetupRefused(Exception):
    """The provider does not accept the card."""

    def __init__(self, code: FailureCode) -> None:
        super().__init__(code.value)
        self.code = code


class UnknownToken(Exception):
    """Never issued for this set-up and merchant, used before, or too old."""


class Provider(Protocol):
    """A payment provider. Each call may raise NoAnswer, and each may be repeated without a second effect."""

    async def charge(self, order: ChargeOrder) -> Outcome: ...

    async def status(self, merchant_id: UUID, charge_id: UUID) -> Status: ...

    async def refund(self, merchant_id: UUID, charge_id: UUID) -> str:
        """Gives back what the charge took; returns the refund's reference. Raises LookupError when it took nothing."""
        ...

    async def save(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID, token: str) -> Method:
        """Exchanges a single-use token of this set-up for a method that can be charged, owned by the customer.

        Raises UnknownToken, SetupRefused. The token is used up in every case but NoAnswer and UnknownToken.
        """
        ...


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
class Due:
    """An invoice that waits to be paid."""

    invoice_id: UUID
    number: str
    amount: Money


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


class SetUps(Protocol):
    async def open(self, setup_id: UUID) -> SetUp | None:
        """The set-up, while it can still be used: not after half an hour, nor once it has led to a new card."""
        ...

    async def blocked_for(self, merchant_id: UUID, customer_id: UUID) -> int:
        """Seconds until this customer's next card may be tried; 0 when it may be now."""
        ...


@dataclass(frozen=True, slots=True)
class Merchant:
    """What a customer is told of whom they pay."""

    name: str
    now: datetime
    """By the merchant's clock, in their time zone."""


class Merchants(Protocol):
    async def merchant(self, merchant_id: UUID) -> Merchant | None: ...
