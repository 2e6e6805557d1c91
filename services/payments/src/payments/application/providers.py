"""What a payment provider has to be able to do, whoever it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

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
    """By the merchant's clock: cards expire by it."""
    zone: str
    """The merchant's, IANA: where a card's month ends."""


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

    async def attach(self, merchant_id: UUID, customer_id: UUID, token: str, at: datetime, zone: str) -> Method:
        """A method of the customer's out of a token that the merchant's own back end holds. Raises UnknownToken.

        `at` is by the merchant's clock, `zone` the merchant's.
        """
        ...
