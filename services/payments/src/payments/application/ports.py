"""The ports of the application to the database and other services. The adapters implement them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing_contracts.invoicing import InvoiceIssued
from chassis.decoding import Received
from chassis.eventsourcing.event_store import Statement
from chassis.eventsourcing.stream import Stream
from payments.application.card_setup import Merchant, OpenAuthentication, Purpose, SetUp
from payments.domain.confirmation import Consent, Period
from payments.domain.dues import Due
from payments.domain.shapes import Method, Money


class Authentications(Protocol):
    """Openings of the page on which a customer confirms a charge at their bank."""

    async def open(self, setup_id: UUID, charge_id: UUID) -> OpenAuthentication | None:
        """None unless this set-up was opened for this charge, less than half an hour ago."""
        ...

    async def wake(self, merchant_id: UUID, charge_id: UUID) -> None:
        """Request the charge's outcome from the provider now."""
        ...


class OpenedAuthentications(Protocol):
    async def opened(self, merchant_id: UUID, customer_id: UUID, charge_id: UUID, session: str | None) -> bool:
        """Whether this portal session has opened the page for this charge, or has begun the charge for an invoice link."""
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
        purpose: Purpose = "default",
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


class Outlooks(Protocol):
    async def of(self, merchant_id: UUID, customer_id: UUID) -> Outlook | None:
        """None while subscriptions does not answer."""
        ...


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


@dataclass(frozen=True, slots=True)
class MigratingMethod:
    """A card that a migration names, by its id here or at its provider."""

    method: Method
    customer_id: UUID
    removed: bool
    agreed: bool
    """Whether the customer has agreed to a charge that has not begun yet."""


class MigratingMethods(Protocol):
    async def named(self, merchant_id: UUID, name: str) -> MigratingMethod | None: ...


class Rows(Protocol):
    """Rows that are written in the transaction of a command's events or answer."""

    def setup_used(self, merchant_id: UUID, setup_id: UUID) -> Statement: ...

    def charge_agreed(self, payment: Stream, customer_id: UUID, method: Method, consent: Consent | None) -> Statement:
        """Charge the invoice with this method once its open charge has failed."""
        ...

    def payment_requested(self, payment: Stream, customer_id: UUID, charge_id: UUID) -> Statement: ...

    def authentication_opened(self, setup: SetUp, charge_id: UUID) -> Statement: ...

    def outcomes_due(self, merchant_id: UUID, charge_id: UUID) -> Sequence[Statement]:
        """Request the outcomes of the charge and of its refunds from the provider now. What has ended does not change."""
        ...

    def made_refunds_due(self, merchant_id: UUID, charge_id: UUID) -> Statement:
        """Ask the provider now whether the charge's refunds that were made have failed meanwhile."""
        ...

    def disputes_due(self, merchant_id: UUID, charge_id: UUID) -> Statement:
        """Read the charge's disputes at the provider now."""
        ...

    def card_declined(self, merchant_id: UUID, customer_id: UUID, code: str, invoice_id: UUID | None = None) -> Statement:
        """`invoice_id`: of a one-time payment."""
        ...

    def one_time_method_charged(self, merchant_id: UUID, method_id: UUID) -> Statement: ...

    def method_reported(self, merchant_id: UUID, method_id: UUID) -> Statement:
        """Read the card at the provider now. Nothing happens if it was removed."""
        ...

    def collection_opened(self, received: Received[InvoiceIssued], amount: Money, period: Period) -> Statement: ...

    def collection_closed(self, merchant_id: UUID, invoice_id: UUID, state: str) -> Sequence[Statement]: ...
