"""Requests to a payment provider, and its reports."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from payments.domain.shapes import SANDBOX, DisputeOutcome, FailureCode, Money, Remedy

LAST_ZONE = "Etc/GMT+12"
"""The zone of a merchant that is not known here yet. A month ends there last, so that no card is refused too early."""


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
    on_session: bool = False
    """Whether the customer is present and can answer their bank. Only such a charge may wait for the customer."""
    provider: str = SANDBOX
    """The provider of the method when the attempt began. The charge never moves to another one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The money was taken."""

    reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No money was taken, and this charge will take none."""

    code: FailureCode
    reference: str | None = None
    remedy: Remedy | None = None
    """None: the usual one for the code."""
    provider_code: str | None = None
    """The provider's own code, for operators. Customers never see it: it may name a suspicion."""


@dataclass(frozen=True, slots=True)
class NeedsCustomer:
    """The charge is on session and waits until the customer has answered their bank."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The provider knows the charge and does not report an outcome yet."""


@dataclass(frozen=True, slots=True)
class UnknownCharge:
    """The provider has no such charge: it is safe to request it again."""


Outcome: TypeAlias = Taken | Refused | NeedsCustomer
Status: TypeAlias = Outcome | Pending | UnknownCharge


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Give back this part of what the charge took: once per refund id, however often it is requested."""

    charge: ChargeOrder
    refund_id: UUID
    amount: Money
    """At most what the charge took, less its other refunds."""
    made_as: str | None = None
    """The provider's reference of the refund if it was made. It is only looked up then: it may have failed since."""


@dataclass(frozen=True, slots=True)
class RefundMade:
    """The customer's bank may still return it, within a month: then the refund becomes RefundRefused."""

    reference: str


@dataclass(frozen=True, slots=True)
class RefundUnderway:
    """The provider has accepted the refund and will report whether it worked."""

    reference: str


@dataclass(frozen=True, slots=True)
class RefundRefused:
    """No money went back for this refund id, and none will."""

    code: str
    """The provider's code, for operators."""
    reference: str | None = None


RefundOutcome: TypeAlias = RefundMade | RefundUnderway | RefundRefused


@dataclass(frozen=True, slots=True)
class DisputeReport:
    """A dispute about a charge, as the provider reports it now."""

    reference: str
    amount: Money
    reason: str
    """The provider's code."""
    inquiry: bool = False
    """Whether the bank only asks: no money has moved."""
    respond_by: datetime | None = None
    """Until when the merchant can send evidence, by the wall clock. None: it cannot, or needs not."""
    outcome: DisputeOutcome | None = None
    """None while it is open."""
    returned: bool = False
    """Whether the customer keeps the money. Only a closed dispute decides that."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the card page's frame needs to ask the customer's bank. For the frame of this charge's customer only."""

    secret: str
    """Of the provider, valid for this charge."""
    publishable_key: str | None = None
    """None for the sandbox."""


class NoAnswer(Exception):
    """The provider did not answer. It may have carried out the request, or not."""


class Busy(NoAnswer):
    """The provider did nothing and wants the request later. The outcome is not unknown."""


class NotConnected(NoAnswer):
    """The merchant's account at the provider is not connected. Nothing was requested."""


class NoProvider(Exception):
    """The merchant has connected no provider, and this deployment has none for merchants without one."""


class SetupRefused(Exception):
    """The provider does not accept the card."""

    def __init__(self, code: FailureCode) -> None:
        super().__init__(code.value)
        self.code = code


class UnknownChallenge(Exception):
    """The secret does not belong to a challenge of this charge and merchant."""


class UnknownToken(Exception):
    """The token was not issued for this set-up and merchant, was used before, or is too old."""
