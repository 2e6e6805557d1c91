"""Requests to a payment provider, and its reports."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from payments.domain.shapes import FailureCode, Money


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """Take this amount from this method: once per charge id, however often it is requested."""

    merchant_id: UUID
    customer_id: UUID
    charge_id: UUID
    method_id: UUID
    amount: Money
    at: datetime
    """By the merchant's clock, which decides whether a card has expired."""
    zone: str
    """The merchant's IANA time zone, in which a card's last month ends."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The money was taken."""

    reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No money was taken, and this charge will take none."""

    code: FailureCode
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """The provider knows the charge and does not report an outcome yet."""


@dataclass(frozen=True, slots=True)
class UnknownCharge:
    """The provider has no such charge: it is safe to request it again."""


Outcome: TypeAlias = Taken | Refused
Status: TypeAlias = Taken | Refused | Pending | UnknownCharge


class NoAnswer(Exception):
    """The provider did not answer. It may have carried out the request, or not."""


class SetupRefused(Exception):
    """The provider does not accept the card."""

    def __init__(self, code: FailureCode) -> None:
        super().__init__(code.value)
        self.code = code


class UnknownToken(Exception):
    """The token was not issued for this set-up and merchant, was used before, or is too old."""
