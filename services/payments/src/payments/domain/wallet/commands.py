"""The commands of a wallet."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from payments.domain.confirmation import Confirmation
from payments.domain.shapes import Method
from payments.domain.wallet.backup import Backup


@dataclass(frozen=True, slots=True)
class UseMethod:
    """Store this card and make it the default for all the customer's subscriptions."""

    customer_id: UUID
    method: Method
    at: datetime
    charge_invoices: tuple[UUID, ...] = ()
    """The invoices that the customer confirmed to pay at once."""
    confirmation: Confirmation | None = None
    """The confirmed charges with their amounts; None if nothing was listed."""


@dataclass(frozen=True, slots=True)
class ConfirmPayment:
    """Pay this invoice now with a card on file."""

    invoice_id: UUID
    method_id: UUID
    confirmation: Confirmation
    at: datetime


@dataclass(frozen=True, slots=True)
class AddMethod:
    """Store this card beside the others. Only a customer's first card becomes the default."""

    customer_id: UUID
    method: Method
    at: datetime


@dataclass(frozen=True, slots=True)
class MakeDefault:
    """Charge all subscriptions to this card on file from now on. Nothing is charged now."""

    method_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class ConfirmOneTimePayment:
    """Pay this invoice now with a card that is used for this payment only. The customer may have no card on file."""

    customer_id: UUID
    invoice_id: UUID
    method: Method
    confirmation: Confirmation
    at: datetime


@dataclass(frozen=True, slots=True)
class RemoveMethod:
    method_id: UUID
    subscription_active: bool
    at: datetime
    owed: bool = False
    """Whether an open invoice is to be collected."""
    expired: frozenset[UUID] = frozenset()
    """The cards that have expired. They become the default only if there is no other."""
    successor: UUID | None = None
    """The card that was shown as the next default. None: none was shown, and any is accepted."""
    detached: bool = False
    """Whether the provider does not have the card any more: it is removed even if it is the only one and is needed."""


@dataclass(frozen=True, slots=True)
class ChooseBackup:
    """Charge this card if the default fails; none with None."""

    backup: Backup | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ReplaceMethod:
    """The same card is at another provider now, or has another id there: it takes the place of its entry, with its roles.

    Nothing is charged.
    """

    replaced: UUID
    method: Method
    at: datetime


@dataclass(frozen=True, slots=True)
class RefreshMethod:
    """The provider reports new details of a card on file: the network has replaced it."""

    method: Method
    at: datetime


Command: TypeAlias = (
    UseMethod
    | ConfirmPayment
    | ConfirmOneTimePayment
    | AddMethod
    | MakeDefault
    | RemoveMethod
    | ChooseBackup
    | ReplaceMethod
    | RefreshMethod
)
