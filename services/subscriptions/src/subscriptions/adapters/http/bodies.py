"""Types that several request bodies share."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StrictBool, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

from billing_contracts.money import is_monetary
from chassis.http.bodies import StrictBody
from chassis.http.free_text import Line, Readable, Remark, Text
from subscriptions.domain.dunning import CancelMode
from subscriptions.domain.period import Unit
from subscriptions.domain.plan.terms import Money, Tax
from subscriptions.domain.subscription.events import Feedback

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_ZONES = available_timezones()


def _zone(name: str) -> str:
    if name not in _ZONES:
        raise PydanticCustomError("unknown_time_zone", "is not a time zone of the IANA database")
    return name


def _monetary(code: str) -> str:
    if not is_monetary(code):
        raise PydanticCustomError("unknown_currency", "is not the ISO 4217 code of a currency that can be paid in")
    return code


def _only_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise PydanticCustomError("instant_as_text", "must be RFC 3339 text")
    return value


def _in_range(instant: datetime) -> datetime:
    if not EARLIEST <= instant < LATEST:
        raise PydanticCustomError("instant_out_of_range", "must lie between the years 2000 and 2200")
    return instant.astimezone(UTC)


Name = Annotated[Line, Field(max_length=200)]
LongText = Annotated[Text, Field(max_length=2000)]
Address = Annotated[Text, Field(max_length=500)]
TaxId = Annotated[Line, Field(max_length=40)]
PurchaseOrder = Annotated[Line, Field(max_length=80)]
InvoiceNote = Annotated[Text, Field(max_length=500)]
_EMAIL = r"^[^\s@<>\"]+@[^\s@<>\".]+(\.[^\s@<>\".]+)+$"
Email = Annotated[Line, StringConstraints(pattern=_EMAIL, max_length=254), Field(json_schema_extra={"pattern": _EMAIL})]
Locale = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")]
Country = Annotated[str, StringConstraints(strict=True, pattern="^[A-Z]{2}$")]
TimeZone = Annotated[str, StringConstraints(strict=True, max_length=64), AfterValidator(_zone)]
Url = Annotated[str, StringConstraints(strict=True, pattern=r"^https?://[^\s<>\"]+$", max_length=2000), Readable]
Origin = Annotated[
    str,
    StringConstraints(
        strict=True,
        pattern=r"^(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http://(localhost|127\.0\.0\.1))(:[1-9][0-9]{0,4})?$",
        max_length=300,
    ),
]
"""An origin: scheme, host and port. HTTPS, except on loopback."""
Colour = Annotated[str, StringConstraints(strict=True, pattern="^#[0-9a-f]{6}$")]
MediaId = Annotated[str, StringConstraints(strict=True, pattern="^[0-9a-f]{64}$")]
Instant = Annotated[AwareDatetime, BeforeValidator(_only_text), AfterValidator(_in_range)]
"""RFC 3339 with an offset; in UTC once read."""


class MoneyBody(StrictBody):
    """An amount of money."""

    amount_minor: Annotated[StrictInt, Field(ge=1, le=999_999_999_999)]
    """Amount in the currency's smallest unit: 2999 is 29.99 USD, 2999 JPY or 2.999 KWD."""
    currency: Annotated[str, StringConstraints(strict=True, pattern="^[A-Z]{3}$"), AfterValidator(_monetary)]
    """ISO 4217 code of a currency that can be paid in."""

    def shape(self) -> Money:
        return Money(self.amount_minor, self.currency)


class IntervalBody(StrictBody):
    """Length of a period: `count` times `unit`."""

    unit: Unit
    """Calendar unit. A month later is the same day of the month, or the month's last day where there is no such day."""
    count: Annotated[StrictInt, Field(ge=1, le=1000)] = 1
    """How many units: 3 with `month` is a quarter."""


class TaxBody(StrictBody):
    """A tax and its rate."""

    name: Annotated[Line, Field(max_length=40)]
    """Name as printed on invoices."""
    rate_basis_points: Annotated[StrictInt, Field(ge=0, le=10_000)]
    """Rate in hundredths of a percent: 2100 is 21 %."""
    inclusive: StrictBool = False
    """True when prices contain the tax; false when it is added to them."""

    def shape(self) -> Tax:
        return Tax(self.name, self.rate_basis_points, self.inclusive)


class NewSubscription(StrictBody):
    """A subscription to start."""

    customer_id: UUID
    """The customer who subscribes."""
    plan_id: UUID
    """The plan."""
    quantity: Annotated[StrictInt, Field(ge=1, le=100_000)] = 1
    """How many units of the plan."""
    started_at: Instant | None = None
    """Start of the first period, RFC 3339, not in the future. Now when absent. A start in the past bills each elapsed period in
    order.
    """
    payment_method_id: UUID | None = None
    """Accepted for compatibility and ignored: the customer's default payment method is charged."""


class Cancellation(StrictBody):
    """How and why a subscription is cancelled."""

    mode: CancelMode | None = None
    """When the cancellation takes effect. The merchant's policy when absent."""
    feedback: Feedback | None = None
    """Why, chosen from a list."""
    comment: Remark | None = None
    """Why, in the customer's words. Card numbers are removed before it is stored. It is in no event."""
