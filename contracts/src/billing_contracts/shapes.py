"""Parts that several events share."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from billing_contracts.envelope import Instant
from billing_contracts.money import Money


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Period(Shape):
    """A billing period: from `start`, included, to `end`, excluded."""

    start: Instant
    """First instant of the period. Its date is the one in the subscription's time zone."""
    end: Instant
    """First instant after the period, at which the next one begins."""


class Interval(Shape):
    """How long a period of a plan lasts: `count` times `unit`."""

    unit: Literal["day", "week", "month", "year"]
    """Calendar unit. A month later is the same day of the month, or the month's last day where there is no such day."""
    count: Annotated[int, Field(ge=1)] = 1
    """How many units: 3 with `month` is a quarter."""


class Tax(Shape):
    """A tax and its rate."""

    name: str
    """Name as printed on the invoice."""
    rate_basis_points: Annotated[int, Field(ge=0, le=10_000)]
    """Rate in hundredths of a percent: 2100 is 21 %."""
    inclusive: bool = False
    """True when advertised prices contain the tax; false when it is added to them."""


class Plan(Shape):
    """A plan as it was when the event happened. Later changes of the plan do not change the event."""

    id: UUID
    """Id of the plan."""
    name: str
    """Name as customers see it."""
    description: str
    """One line about the plan, as customers see it."""
    image_media_id: str | None = None
    """Id of the plan's picture: SHA-256 of the file in hex. Absent when the plan has none."""
    price: Money
    """Advertised price of one unit for one period."""
    interval: Interval
    """Length of a period."""
    tax: Tax | None = None
    """The plan's own tax. The merchant's tax applies when absent."""


class Card(Shape):
    """A card on file, without its number and CVV: no event contains them."""

    id: UUID
    """Id of the payment method. It is the same in all services."""
    brand: Literal["visa", "mastercard", "amex", "other"]
    """The card's network."""
    last4: Annotated[str, Field(pattern="^[0-9]{4}$")]
    """Last four digits of the card number."""
    exp_month: Annotated[int, Field(ge=1, le=12)]
    """Month in which the card expires, 1 to 12. The card is valid until the end of that month."""
    exp_year: Annotated[int, Field(ge=2000, le=2999)]
    """Year in which the card expires, four digits."""
