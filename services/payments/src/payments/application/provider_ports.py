"""The ports to payment providers: their cards, charges and refunds, and the merchants' accounts at them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from payments.application.card_setup import CardFields, CardToken
from payments.application.charges import Challenge, ChargeOrder, DisputeReport, Outcome, RefundOrder, RefundOutcome, Status
from payments.application.provider_accounts import ConnectedAccount, NewAccount
from payments.domain.card_input import CardEntry
from payments.domain.shapes import Method


class CardProvider(Protocol):
    """What the card page needs of a payment provider. Each call may raise NoAnswer, and each may be repeated."""

    async def open(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID) -> CardFields:
        """What the card page shows to read the card of this set-up."""
        ...

    async def challenge(self, order: ChargeOrder) -> Challenge | None:
        """How the customer answers their bank. None if the charge does not wait for the customer."""
        ...


class Provider(CardProvider, Protocol):
    """A payment provider. Each call may raise NoAnswer, and each may be repeated without a second effect."""

    async def charge(self, order: ChargeOrder) -> Outcome:
        """The outcome of the charge. Taken and Refused never change. NeedsCustomer only if the order is on session."""
        ...

    async def status(self, order: ChargeOrder) -> Status:
        """The status of a charge that may have been requested."""
        ...

    async def cancel(self, order: ChargeOrder) -> Status:
        """Prevent the charge from taking money, unless it has already. Never UnknownCharge or NeedsCustomer."""
        ...

    async def refund(self, order: RefundOrder) -> RefundOutcome:
        """The outcome of the refund. RefundRefused never changes; a repetition asks about the other ones.

        The refunds of a charge never exceed what it took. Raises LookupError if the charge took nothing.
        """
        ...

    async def disputes(self, order: ChargeOrder) -> Sequence[DisputeReport]:
        """The disputes about the charge, open and closed, the oldest first. None for a charge that is unknown."""
        ...

    async def save(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID, token: str) -> Method:
        """Exchange a token of this set-up for a method of the customer that can be charged.

        Raises UnknownToken, SetupRefused.
        """
        ...

    async def attach(self, merchant_id: UUID, customer_id: UUID, token: str, at: datetime, zone: str) -> Method:
        """Exchange a token of the merchant's own back end for a method of the customer. Raises UnknownToken.

        `at` is by the merchant's clock, `zone` is the merchant's time zone.
        """
        ...

    async def imported(self, merchant_id: UUID, customer_id: UUID, token: str, *, keep: bool) -> Method:
        """A card of the customer that an import has put into the merchant's account. Without `keep` nothing is written.

        Raises UnknownToken, also for a card of another customer.
        """
        ...

    async def read(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> Method | None:
        """The method as the provider has it now. None: the customer has it no longer, so it cannot be charged."""
        ...

    async def forget(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> None:
        """Detach a method that was removed: it is not charged again. Nothing happens if it is unknown or was detached."""
        ...


class Tokeniser(Protocol):
    """A provider that leaves the card fields to this service. With a live provider the browser gets the token from it."""

    @property
    def numbers(self) -> frozenset[str]:
        """The published test numbers: no other number is accepted."""
        ...

    async def tokenise(self, merchant_id: UUID, setup_id: UUID, entry: CardEntry) -> CardToken:
        """A token for one use in this set-up. Stores neither number nor code."""
        ...

    async def answer(self, merchant_id: UUID, setup_id: UUID, token: str, *, approved: bool) -> None:
        """The customer's answer to their bank's question about this token. After a rejection it saves no card.

        Raises UnknownToken.
        """
        ...


class ChallengeAnswers(Protocol):
    """A provider that leaves the bank's confirmation to this service's page. Each raises UnknownChallenge for a wrong secret.

    `secret` is of the Challenge that the page got last. A repeated answer changes nothing.
    """

    async def approve(self, merchant_id: UUID, charge_id: UUID, secret: str) -> None: ...

    async def reject(self, merchant_id: UUID, charge_id: UUID, secret: str) -> None: ...


class ProviderAccounts(Protocol):
    async def connected(self, merchant_id: UUID) -> ConnectedAccount | None:
        """The merchant's account. None if there is none."""
        ...

    async def connect(self, new: NewAccount) -> None:
        """Test and store the account in place of the merchant's former keys. The endpoint of its webhooks stays.

        Raises OtherMode, MovedClock, KeyRefused, AnotherAccount, AccountsDisabled and NoAnswer: then nothing has changed.
        """
        ...

    async def disconnect(self, merchant_id: UUID) -> bool:
        """Delete the account with its keys. False if there is none. Raises ChargesRunning, MethodsInUse."""
        ...


class CurrentProvider(Protocol):
    async def __call__(self, merchant_id: UUID) -> str:
        """The name of the provider of the merchant's new cards. Raises NoProvider."""
        ...
