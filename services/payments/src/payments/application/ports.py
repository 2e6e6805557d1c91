"""The ports of the application to the provider, the database and other services. The adapters implement them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from billing_contracts.invoicing import InvoiceIssued
from chassis.decoding import Received
from chassis.eventsourcing.event_store import Statement
from chassis.eventsourcing.stream import Stream
from payments.application.card_setup import CardFields, CardToken, Merchant, Purpose, SetUp
from payments.application.charges import Challenge, ChargeOrder, Outcome, Status
from payments.application.provider_accounts import ConnectedAccount, NewAccount
from payments.domain.card_input import CardEntry
from payments.domain.confirmation import Consent, Period
from payments.domain.dues import Due
from payments.domain.shapes import Method, Money


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
        """The outcome of the refund. RefundMade and RefundRefused never change; a repetition asks about RefundUnderway.

        The refunds of a charge never exceed what it took. Raises LookupError if the charge took nothing.
        """
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


class Authentications(Protocol):
    """Openings of the page on which a customer confirms a charge at their bank."""

    async def open(self, setup_id: UUID, charge_id: UUID) -> OpenAuthentication | None:
        """None unless this set-up was opened for this charge, less than half an hour ago."""
        ...

    async def wake(self, merchant_id: UUID, charge_id: UUID) -> None:
        """Request the charge's outcome from the provider now."""
        ...


class OpenSetUps(Protocol):
    async def open(self, setup_id: UUID) -> SetUp | None:
        """The set-up, for half an hour and until it has led to a new card."""
        ...

    async def blocked_for(self, merchant_id: UUID, customer_id: UUID, pays_invoice: UUID | None = None) -> int:
        """Seconds until this customer, or the payer of this invoice, can try another card; 0 if now."""
        ...


class SetUps(OpenSetUps, Protocol):
    async def begin(
        self,
        merchant_id: UUID,
        customer_id: UUID,
        session: str | None,
        locale: str,
        colour: str | None,
        due: Sequence[Due],
        pays_invoice: UUID | None = None,
    ) -> SetUp: ...

    async def opening_blocked_for(self, merchant_id: UUID, customer_id: UUID) -> int:
        """Seconds until this customer can open the card page again; 0 if now."""
        ...

    async def show(self, merchant_id: UUID, setup_id: UUID, due: Sequence[Due]) -> None:
        """Store what the customer is shown from now on."""
        ...


class Customers(Protocol):
    async def known(self, merchant_id: UUID, customer_id: UUID) -> bool:
        """Whether the merchant has such a customer."""
        ...

    async def subscribed(self, merchant_id: UUID, customer_id: UUID) -> bool:
        """Whether a subscription of the customer still needs a card."""
        ...


class Merchants(Protocol):
    async def merchant(self, merchant_id: UUID) -> Merchant | None: ...


class Clock(Protocol):
    async def now(self, merchant_id: UUID) -> datetime:
        """The time of the merchant's clock, in UTC. Raises LookupError for an unknown merchant."""
        ...

    async def zone(self, merchant_id: UUID) -> str:
        """The merchant's IANA time zone. Raises LookupError for an unknown merchant."""
        ...


class OpenInvoices(Protocol):
    async def due(self, merchant_id: UUID, customer_id: UUID) -> tuple[Due, ...]:
        """The customer's invoices that are neither paid, voided nor uncollectible, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Prospect:
    """What paying a subscription's unpaid period does, as subscriptions reports it."""

    subscription_id: UUID
    invoice_id: UUID
    effect: str
    begun: tuple[Due, ...]
    more: bool
    """Whether more periods have begun than are listed."""


@dataclass(frozen=True, slots=True)
class Outlook:
    at: datetime
    """By the merchant's clock, as subscriptions has it."""
    prospects: tuple[Prospect, ...] = ()


@dataclass(frozen=True, slots=True)
class RemovedMethod:
    """A card that is to be detached at the provider."""

    merchant_id: UUID
    customer_id: UUID
    method_id: UUID


class Outlooks(Protocol):
    async def of(self, merchant_id: UUID, customer_id: UUID) -> Outlook | None:
        """None while subscriptions does not answer."""
        ...


class RemovedMethods(Protocol):
    """Removed methods that the provider still has. One worker at a time claims each, for `lease` seconds."""

    async def claim(self, most: int, lease: float) -> list[RemovedMethod]:
        """Methods that no open charge is made with."""
        ...

    async def forgotten(self, removed: RemovedMethod) -> None: ...


class Collections(Protocol):
    async def customer_of(self, merchant_id: UUID, invoice_id: UUID) -> UUID | None:
        """None for an invoice that this merchant has not issued."""
        ...

    async def running(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> bool:
        """Whether a charge for the invoice has no outcome yet."""
        ...

    async def paying_blocked_for(self, merchant_id: UUID, invoice_id: UUID, most: int) -> int:
        """Seconds until this invoice can be paid on request again; 0 if now."""
        ...


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


class Rows(Protocol):
    """Rows that are written in the transaction of a command's events or answer."""

    def setup_used(self, merchant_id: UUID, setup_id: UUID) -> Statement: ...

    def charge_agreed(self, payment: Stream, customer_id: UUID, method: Method, consent: Consent | None) -> Statement:
        """Charge the invoice with this method once its open charge has failed."""
        ...

    def payment_requested(self, payment: Stream, customer_id: UUID, charge_id: UUID) -> Statement: ...

    def card_declined(self, merchant_id: UUID, customer_id: UUID, code: str, invoice_id: UUID | None = None) -> Statement:
        """`invoice_id`: of a one-time payment."""
        ...

    def outcomes_due(self, merchant_id: UUID, charge_id: UUID) -> Sequence[Statement]:
        """Request the outcomes of the charge and of its refunds from the provider now. What has ended does not change."""
        ...

    def card_declined(self, merchant_id: UUID, customer_id: UUID, code: str) -> Statement: ...

    def collection_opened(self, received: Received[InvoiceIssued], amount: Money, period: Period) -> Statement: ...

    def collection_closed(self, merchant_id: UUID, invoice_id: UUID, state: str) -> Sequence[Statement]: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """An open charge that a worker has claimed."""

    order: ChargeOrder
    invoice_id: UUID
    calls: int
    """How often it has been claimed, this claim included."""
    voided: bool
    """Whether the invoice was voided since the attempt began."""
    correlation_id: UUID
    causation_id: UUID
    left: bool = False
    """Whether it has waited for the customer long enough, or the customer has confirmed another card meanwhile."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A charge that a customer agreed to while another one was open. That one has ended."""

    merchant_id: UUID
    invoice_id: UUID
    method: Method
    at: datetime
    """When the last attempt ended, by the merchant's clock."""
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class AgreedMethod:
    """How a customer has agreed to pay an invoice next."""

    method: Method
    consent: Consent | None = None
    """None for agreements from before confirmations were stored."""


@dataclass(frozen=True, slots=True)
class DueRefund:
    """A requested refund that a worker has claimed."""

    order: RefundOrder
    invoice_id: UUID
    calls: int
    """How often it has been claimed, this claim included."""
    correlation_id: UUID
    causation_id: UUID


class ChargeQueue(Protocol):
    """Due work. One worker at a time claims each piece, for `lease` seconds."""

    async def attempts(self, most: int, lease: float) -> list[Attempt]: ...

    async def unrequested_refunds(self, most: int, lease: float) -> list[Attempt]:
        """Charges that paid an invoice which was voided, without a request to refund them."""
        ...

    async def refunds(self, most: int, lease: float) -> list[DueRefund]:
        """Requested refunds without an outcome."""
        ...

    async def agreements(self, most: int, lease: float) -> list[Agreement]: ...

    async def agreed(self, merchant_id: UUID, invoice_id: UUID) -> AgreedMethod | None:
        """The card with which the customer agreed to pay the invoice next."""
        ...

    async def backup(self, merchant_id: UUID, customer_id: UUID) -> Method | None:
        """The customer's backup card, which is on file only with the customer's consent."""
        ...

    async def forget(self, agreement: Agreement) -> None: ...

    async def postpone(self, attempt: Attempt, seconds: float) -> None:
        """Make the charge due again after `seconds`."""
        ...

    async def postpone_refund(self, attempt: Attempt, seconds: float) -> None: ...


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
