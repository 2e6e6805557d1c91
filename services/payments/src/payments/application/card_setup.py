"""One opening of the card page, and what it shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from payments.application.charges import ChargeOrder
from payments.domain.dues import Due
from payments.domain.shapes import Method

VALIDITY_MINUTES = 30
"""Of one opening of the card page."""


@dataclass(frozen=True, slots=True)
class CardToken:
    token: str
    method: Method
    asks: bool = False
    """Whether the customer's bank asks before the card is saved."""


@dataclass(frozen=True, slots=True)
class OwnFields:
    """The card page shows this service's own card fields (a Tokeniser reads them)."""


@dataclass(frozen=True, slots=True)
class ProviderFields:
    """The card page shows the provider's fields, in frames that only the provider reads."""

    client_secret: str
    publishable_key: str


CardFields: TypeAlias = OwnFields | ProviderFields


Purpose = Literal["default", "add"]
"""`default`: the card becomes the default, and what is due is charged. `add`: the card is stored beside the others."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """One opening of the card page, for one customer and portal session."""

    id: UUID
    merchant_id: UUID
    customer_id: UUID
    session: str | None
    """An opaque reference to the portal session; None for a merchant's own back end."""
    locale: str
    colour: str | None
    """`#rrggbb`"""
    due: tuple[Due, ...]
    """The charges that are shown, and that the customer confirms."""
    purpose: Purpose = "default"
    pays_invoice: UUID | None = None
    """The invoice that the card pays without being stored. None: it is stored."""


@dataclass(frozen=True, slots=True)
class OpenAuthentication:
    """One opening of the page on which the customer confirms a charge at their bank."""

    setup: SetUp
    order: ChargeOrder
    ended: bool
    """Whether the charge has its outcome. Until then it is under way, or waits for the customer: the provider knows."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """The merchant, as the card page shows it."""

    name: str
    now: datetime
    """By the merchant's clock, in the merchant's time zone."""
