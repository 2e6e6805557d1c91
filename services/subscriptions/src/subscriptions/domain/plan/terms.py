"""The terms of a plan. A published plan never changes, so each subscription keeps the terms that it was started with."""

from dataclasses import dataclass
from uuid import UUID

from subscriptions.domain.period import Interval


@dataclass(frozen=True, slots=True)
class Money:
    amount_minor: int
    """In the currency's smallest unit: 2999 is 29.99 USD."""
    currency: str
    """ISO 4217"""

    def times(self, quantity: int) -> "Money":
        return Money(self.amount_minor * quantity, self.currency)


@dataclass(frozen=True, slots=True)
class Tax:
    name: str
    rate_basis_points: int
    """2100 is 21 %."""
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    id: UUID
    name: str
    description: str
    price: Money
    interval: Interval
    image_media_id: str | None = None
    tax: Tax | None = None
