"""The events of a wallet."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from payments.domain.confirmation import Confirmation
from payments.domain.shapes import Method


@dataclass(frozen=True, slots=True)
class DefaultChanged:
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
class MethodRemoved:
    method_id: UUID
    at: datetime


Event: TypeAlias = DefaultChanged | PaymentConfirmed | MethodRemoved
