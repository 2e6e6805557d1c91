"""Parts of several response bodies for the OpenAPI description."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

Last4 = Annotated[str, Field(pattern="^[0-9]{4}$")]


class Money(BaseModel):
    """An amount of money, also in words."""

    amount_minor: int
    """Amount in the currency's smallest unit: 2999 is 29.99 USD."""
    currency: str
    """ISO 4217 code."""
    text: str
    """The amount in the customer's language."""


class Period(BaseModel):
    """A billing period: from `start`, included, to `end`, excluded."""

    start: datetime
    """First instant of the period."""
    end: datetime
    """First instant after the period."""


class Interval(BaseModel):
    """Length of a period: `count` times `unit`."""

    unit: Literal["day", "week", "month", "year"]
    """Calendar unit."""
    count: int
    """How many units: 3 with `month` is a quarter."""


class Accepted(BaseModel):
    """A command that was carried out."""

    aggregate: str
    """The aggregate that changed, as `<kind>-<uuid>`."""
    version: int
    """The aggregate's version after the change. `after=<aggregate>:<version>` waits until it is shown."""


class SavedCard(BaseModel):
    """A card, without its number and CVV."""

    id: UUID
    """Id of the payment method."""
    brand: str
    """The card's network."""
    last4: Last4
    """Last four digits of the card number."""
    exp_month: int
    """Month in which the card expires, 1 to 12."""
    exp_year: int
    """Year in which the card expires, four digits."""
