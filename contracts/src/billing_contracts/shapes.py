"""Parts that several events share."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from billing_contracts.envelope import Instant
from billing_contracts.money import Money


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Period(Shape):
    """From `start`, inclusive, to `end`, exclusive."""

    start: Instant
    end: Instant


class Interval(Shape):
    unit: Literal["day", "week", "month", "year"]
    count: Annotated[int, Field(ge=1)] = 1


class Tax(Shape):
    name: str
    """As printed on the invoice: `IVA`."""
    rate_basis_points: Annotated[int, Field(ge=0, le=10_000)]
    """2100 is 21 %."""
    inclusive: bool = False
    """Whether prices contain it."""


class Plan(Shape):
    """A plan as it was when the event happened."""

    id: UUID
    name: str
    description: str
    image_media_id: str | None = None
    price: Money
    interval: Interval
    tax: Tax | None = None


class Card(Shape):
    """What may be known of a card: never its number, never its CVV."""

    id: UUID
    """Of the payment method."""
    brand: Literal["visa", "mastercard", "amex", "other"]
    last4: Annotated[str, Field(pattern="^[0-9]{4}$")]
    exp_month: Annotated[int, Field(ge=1, le=12)]
    exp_year: Annotated[int, Field(ge=2000, le=2999)]
