"""The plan as it was when the renewal was due."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

IntervalUnit = Literal["day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Period:
    """From start, inclusive, to end, exclusive; both aware and in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Tax:
    name: str
    """As printed: `IVA`."""
    rate_basis_points: int
    """2100 is 21 %."""
    inclusive: bool = False
    """Whether prices contain the tax."""


@dataclass(frozen=True, slots=True)
class Plan:
    id: UUID
    name: str
    description: str
    image_media_id: str | None
    price_minor: int
    """Price of one unit for one interval, in the currency's smallest unit."""
    currency: str
    """ISO 4217"""
    interval_unit: IntervalUnit
    interval_count: int
    tax: Tax | None = None
