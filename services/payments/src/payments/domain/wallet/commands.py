"""What can be asked of a wallet."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from payments.domain.confirmation import Confirmation
from payments.domain.shapes import Method


@dataclass(frozen=True, slots=True)
class UseMethod:
    """Keep this card and charge it from now on, for all the customer's subscriptions."""

    customer_id: UUID
    method: Method
    at: datetime
    charge_invoices: tuple[UUID, ...] = ()
    """What the customer saw listed and agreed to pay at once."""
    confirmation: Confirmation | None = None
    """All that was listed, with amounts; None when nothing was."""


@dataclass(frozen=True, slots=True)
class ConfirmPayment:
    """Pay this invoice now with a card on file."""

    invoice_id: UUID
    method_id: UUID
    confirmation: Confirmation
    at: datetime


@dataclass(frozen=True, slots=True)
class RemoveMethod:
    method_id: UUID
    subscription_active: bool
    at: datetime


Command: TypeAlias = UseMethod | ConfirmPayment | RemoveMethod
