"""What the portal returns for commands and queries, to the JSON API and to the page: facts, no sentences."""

from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from portal_gateway.application.requests import CancelMode
from portal_gateway.domain.access import Flow, InvoiceSession, LinkKind, Session
from portal_gateway.domain.settlement import Effect
from portal_gateway.domain.view import CardFace, InvoiceRow, Money, Period


@dataclass(frozen=True, slots=True)
class Entered:
    """The session that a link opened. `cookie` is the session's secret: set it, never store or log it."""

    session: Session
    cookie: str
    kind: LinkKind
    flow: Flow | None


@dataclass(frozen=True, slots=True)
class EnteredInvoice:
    """The session that an invoice link opened. `cookie` is the session's secret: set it, never store or log it."""

    session: InvoiceSession
    cookie: str


class CancellationPreview(TypedDict):
    mode: CancelMode
    effective_at: str
    access_until: str
    """Before `effective_at` if access has already ended."""
    open_amount: Money | None
    open_invoices: Literal["void", "keep"] | None
    """Null with an amount: it is being charged, and nothing ends yet."""
    paid_until: NotRequired[str | None]
    """The end of the paid time that the customer gives up."""


class CancellationAccepted(TypedDict):
    aggregate: str
    version: int
    effective_at: str
    access_until: NotRequired[str]
    mode: CancelMode
    card_number_removed: NotRequired[bool]
    """The comment contained a card number, which was removed."""


class Accepted(TypedDict):
    aggregate: str
    version: int


class DueCharge(TypedDict):
    """One charge of a confirmation: an open invoice, or a period that has begun and has no invoice yet."""

    invoice_id: str
    number: str | None
    """None before the invoice is issued: then it has only an id and a period."""
    amount: Money
    subscription_id: NotRequired[str]
    period: NotRequired[Period]
    effect: NotRequired[Effect]
    """What paying the open invoice does to its subscription, according to the subscriptions service."""


class Dues(TypedDict):
    due: list[DueCharge]
    total: Money | None
    more: NotRequired[bool]
    """Whether more periods have begun than are listed."""


class CardSetup(Dues):
    setup_id: str
    frame_url: str


class PaymentPreview(Dues):
    invoice_id: str
    running: bool


class PaymentBegun(Dues):
    id: str
    """The charge's id."""
    invoice_id: str
    aggregate: str
    version: int
    payment_method: dict[str, Any]


class ConfirmationPage(TypedDict):
    """The page on which a charge is confirmed at the bank."""

    setup_id: str
    frame_url: str


class AuthenticationBegun(ConfirmationPage):
    id: str
    """The charge's id."""
    invoice_id: str
    aggregate: str
    version: int
    payment_method: dict[str, Any]


class ChargeStarted(TypedDict):
    invoice_id: str
    aggregate: str
    version: int


class CardUpdated(TypedDict):
    aggregate: str
    version: int
    payment_method: dict[str, Any]
    """id, brand, last4, exp_month, exp_year"""
    charges: list[ChargeStarted]


class CardAdded(Accepted):
    id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    is_default: bool


class NextDefault(CardFace):
    id: str
    exp_month: int
    exp_year: int


class CardOfRemoval(NextDefault):
    is_default: bool
    is_backup: bool


class RemovalPreview(TypedDict):
    payment_method: CardOfRemoval
    allowed: bool
    """False for the only card while something is paid with it."""
    next_default: NextDefault | None


@dataclass(frozen=True, slots=True)
class InvoiceName:
    id: str
    number: str


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The invoices of the same customer before and after one, in the order of issue; None at an end of the history."""

    earlier: InvoiceName | None
    later: InvoiceName | None


@dataclass(frozen=True, slots=True)
class InvoicePage:
    items: list[InvoiceRow]
    next_cursor: str | None
