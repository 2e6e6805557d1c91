"""The events of a wallet."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from payments.domain.confirmation import Confirmation
from payments.domain.shapes import Method
from payments.domain.wallet.backup import BackupConsent


@dataclass(frozen=True, slots=True)
class DefaultChanged:
    """The card pays for everything from now on. If it was the backup, there is none any more."""

    customer_id: UUID
    method: Method
    replaces: UUID | None
    charged_invoices: tuple[UUID, ...]
    at: datetime
    confirmation: Confirmation | None = None


@dataclass(frozen=True, slots=True)
class PaymentConfirmed:
    invoice_id: UUID
    method: Method
    confirmation: Confirmation
    at: datetime


@dataclass(frozen=True, slots=True)
class OneTimePaymentConfirmed:
    """The method is not on file, before the payment or after it."""

    customer_id: UUID
    invoice_id: UUID
    method: Method
    confirmation: Confirmation
    at: datetime


@dataclass(frozen=True, slots=True)
class MethodRemoved:
    """The card is not charged again, neither as the default nor as the backup."""

    method_id: UUID
    at: datetime
    detached: bool = False
    """Whether the provider did not have it any more. Otherwise the customer or the merchant removed it."""


@dataclass(frozen=True, slots=True)
class MethodAdded:
    """A card beside the default."""

    customer_id: UUID
    method: Method
    at: datetime


@dataclass(frozen=True, slots=True)
class BackupChosen:
    """Both fields are None if there is no backup from now on."""

    method: Method | None
    consent: BackupConsent | None
    at: datetime


@dataclass(frozen=True, slots=True)
class MethodRefreshed:
    """The card with its new details. The id is the same, and so are its roles."""

    method: Method
    at: datetime


Event: TypeAlias = (
    DefaultChanged | PaymentConfirmed | OneTimePaymentConfirmed | MethodRemoved | MethodAdded | BackupChosen | MethodRefreshed
)
