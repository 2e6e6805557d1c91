"""What the outside has to be able to do for this service."""

from collections.abc import Sequence
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
    """The provider knows of the charge and does not say yet how it ends."""


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

    async def charge(self, order: ChargeOrder) -> Outcome:
        """The outcome of the charge, which never changes."""
        ...

    async def status(self, order: ChargeOrder) -> Status:
        """What became of a charge that may have been asked for."""
        ...

    async def cancel(self, order: ChargeOrder) -> Status:
        """Makes sure that the charge takes no money, unless it already did. Never NeverHeardOf."""
        ...

    async def refund(self, order: ChargeOrder) -> str:
        """Gives back what the charge took; returns the refund's reference. Raises LookupError when it took nothing."""
        ...

    async def save(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID, token: str) -> Method:
        """Exchanges a token of this set-up for a method that can be charged, owned by the customer.

        Raises UnknownToken, SetupRefused.
        """
        ...

    async def attach(self, merchant_id: UUID, customer_id: UUID, token: str, at: datetime) -> Method:
        """A method of the customer's out of a token that the merchant's own back end holds. Raises UnknownToken.

        `at` is the merchant's clock.
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


class OpenSetUps(Protocol):
    async def open(self, setup_id: UUID) -> SetUp | None:
        """The set-up, while it can still be used: not after half an hour, nor once it has led to a new card."""
        ...

    async def blocked_for(self, merchant_id: UUID, customer_id: UUID) -> int:
        """Seconds until this customer's next card may be tried; 0 when it may be now."""
        ...


class SetUps(OpenSetUps, Protocol):
    async def begin(
        self, merchant_id: UUID, customer_id: UUID, session: str | None, locale: str, colour: str | None
    ) -> SetUp: ...

    async def opening_blocked_for(self, merchant_id: UUID, customer_id: UUID) -> int:
        """Seconds until this customer can open the card page again; 0 when they can now."""
        ...

    async def due(self, merchant_id: UUID, customer_id: UUID) -> tuple[Due, ...]:
        """What the customer owes now, oldest first: issued, not paid, neither voided nor given up."""
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


class Claims(Protocol):
    """What workers have to do, each claimed by one of them at a time; a claim ends by itself after `lease` seconds."""

    async def attempts(self, most: int, lease: float) -> list[Attempt]: ...

    async def refunds(self, most: int, lease: float) -> list[Attempt]:
        """Charges that paid an invoice which was voided."""
        ...

    async def agreements(self, most: int, lease: float) -> list[Agreement]: ...

    async def agreed(self, merchant_id: UUID, invoice_id: UUID) -> Method | None:
        """The card with which the customer agreed to pay the invoice next."""
        ...

    async def forget(self, agreement: Agreement) -> None: ...

    async def postpone(self, attempt: Attempt, seconds: float) -> None:
        """The provider is asked again about this charge after so long."""
        ...

    async def postpone_refund(self, attempt: Attempt, seconds: float) -> None: ...


class Clock(Protocol):
    async def now(self, merchant_id: UUID) -> datetime:
        """The merchant's, in UTC. Raises LookupError for a merchant that nobody knows."""
        ...
