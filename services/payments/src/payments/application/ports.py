"""The ports of the application to the provider, the database and other services. The adapters implement them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from billing_contracts.invoicing import InvoiceIssued
from chassis.decoding import Received
from chassis.eventsourcing.event_store import Statement
from chassis.eventsourcing.stream import Stream
from payments.application.card_setup import Merchant, OpenAuthentication, Purpose, SetUp
from payments.application.charges import ChargeOrder, RefundOrder
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


@dataclass(frozen=True, slots=True)
class ReportedMethod:
    """A card on file that has changed at the provider."""

    merchant_id: UUID
    customer_id: UUID
    method_id: UUID
    due_again: datetime
    """When the lease of the claim ends, by the wall clock."""


class ReportedMethods(Protocol):
    """Cards on file that are to be read at the provider. One worker at a time claims each, for `lease` seconds."""

    async def claim(self, most: int, lease: float) -> list[ReportedMethod]: ...

    async def read(self, reported: ReportedMethod) -> None:
        """The card was read. It stays due if another change was reported since the claim."""
        ...


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

    def card_declined(self, merchant_id: UUID, customer_id: UUID, code: str, invoice_id: UUID | None = None) -> Statement:
        """`invoice_id`: of a one-time payment."""
        ...

    def outcomes_due(self, merchant_id: UUID, charge_id: UUID) -> Sequence[Statement]:
        """Request the outcomes of the charge and of its refunds from the provider now. What has ended does not change."""
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


@dataclass(frozen=True, slots=True)
class DueDisputes:
    """A charge with disputes to read, which a worker has claimed."""

    order: ChargeOrder
    invoice_id: UUID
    calls: int
    """How often it has been claimed since an event named it, this claim included."""
    correlation_id: UUID
    causation_id: UUID


class DisputeQueue(Protocol):
    """Charges with disputes that are to be read at the provider. One worker at a time claims each, for `lease` seconds."""

    async def disputes(self, most: int, lease: float) -> list[DueDisputes]: ...

    async def postpone_disputes(self, due: DueDisputes, seconds: float | None) -> None:
        """Make the charge's disputes due again after `seconds`. None: when an event names it again."""
        ...


class ChargeQueue(Protocol):
    """Due work. One worker at a time claims each piece, for `lease` seconds."""

    async def attempts(self, most: int, lease: float) -> list[Attempt]: ...

    async def unrequested_refunds(self, most: int, lease: float) -> list[Attempt]:
        """Charges that paid an invoice which was voided, without a request to refund them."""
        ...

    async def refunds(self, most: int, lease: float) -> list[DueRefund]:
        """Requested refunds without an outcome, and made ones that may have failed meanwhile."""
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

    async def postpone_refund(self, refund: DueRefund, seconds: float) -> None: ...

    async def confirm_refund(self, refund: DueRefund) -> None:
        """A refund that was made has not failed."""
        ...


@dataclass(frozen=True, slots=True)
class OneTimeMethod:
    """A card that pays one invoice and is not stored in the wallet."""

    merchant_id: UUID
    customer_id: UUID
    invoice_id: UUID
    method_id: UUID
    provider: str
    calls: int = 0
    """How often the provider was requested to forget it."""


class OneTimeMethods(Protocol):
    """Cards for one payment that the provider still has to forget. One worker at a time claims each."""

    async def keep(self, method: OneTimeMethod) -> None:
        """Store the card, to be forgotten after its charge, or after a few minutes if none starts."""
        ...

    async def claim(self, most: int, lease: float) -> list[OneTimeMethod]:
        """Cards that no open charge uses."""
        ...

    async def forgotten(self, method: OneTimeMethod) -> None: ...
