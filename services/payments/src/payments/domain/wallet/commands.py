"""What can be asked of a wallet."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from payments.domain.shapes import Method


@dataclass(frozen=True, slots=True)
class UseMethod:
    """Keep this card and charge it from now on, for all the customer's subscriptions."""

    customer_id: UUID
    method: Method
    at: datetime
    charge_invoices: tuple[UUID, ...] = ()
    """What the customer saw listed and agreed to pay at once."""


@dataclass(frozen=True, slots=True)
class RemoveMethod:
    method_id: UUID
    subscription_active: bool
    at: datetime


Command: TypeAlias = UseMethod | RemoveMethod
