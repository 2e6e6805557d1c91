"""Response bodies of the card and payment routes for the OpenAPI description. Fields are only added."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from portal_gateway.adapters.api.common_documents import Accepted, Last4, Money, Period, SavedCard


class Due(BaseModel):
    """What a confirmation charges: an open invoice, or a period that has begun. Its invoice is issued later."""

    invoice_id: UUID
    """Id of the invoice, also before it is issued."""
    number: str | None
    """Invoice number. Null before the invoice is issued."""
    amount: Money
    """What is charged."""
    text: str | None = None
    """The charge in words."""
    subscription_id: UUID | None = None
    """The subscription that the invoice belongs to. Absent where it is not known."""
    period: Period | None = None
    """The begun period. Absent for an open invoice."""
    effect: str | None = None
    """What paying the invoice does to its subscription: `starts`, `continues`, `ends` or `settles`. Absent for a begun period."""


class Line(BaseModel):
    """A charge in words."""

    text: str
    """What is charged."""
    amount_text: str
    """The amount."""


class Dues(BaseModel):
    """Everything that a confirmation charges."""

    due: list[Due]
    """The charges, in the order in which they are made."""
    total: Money | None
    """Sum of the charges. Null when nothing is due, or when they are in more than one currency."""
    more: bool = False
    """True when more periods have begun than are listed. Absent otherwise."""


class DuesInWords(Dues):
    """Everything that a confirmation charges, also in words."""

    lines: list[Line]
    """The charges as the dialog shows them."""
    statements: list[str]
    """What the confirmation does, in words."""


class Renewal(BaseModel):
    """A subscription that is charged to the new card."""

    subscription_id: UUID
    """The subscription."""
    plan_name: str
    """Name of the plan."""
    frequency_text: str
    """The price and how often it is charged, in words."""


class CardSetup(DuesInWords):
    """A page on which a card can be typed, and what confirming the card charges."""

    setup_id: UUID
    """Id of the set-up."""
    frame_url: str
    """Address of the card page, for an iframe."""
    renewals: list[Renewal]
    """The subscriptions that renew with the new card."""


class PaymentPreview(DuesInWords):
    """What paying an invoice now charges."""

    invoice_id: UUID
    """The invoice."""
    running: bool
    """True while a charge for the invoice is under way."""


class ChargeStarted(Accepted):
    """A charge that has begun."""

    invoice_id: UUID
    """The invoice that is charged."""


class PaymentStarted(Dues, Accepted):
    """A charge that has begun, and what else the confirmation charges."""

    id: UUID
    """Id of the charge."""
    invoice_id: UUID
    """The invoice that is charged."""
    attempt: int
    """Number of the attempt, from 1 for each invoice."""
    status: Literal["open"]
    """The charge is under way."""
    payment_method: SavedCard
    """The card that is charged."""
    confirmation_id: UUID
    """Id of the confirmation."""


class AuthenticationStarted(Accepted):
    """A charge that the customer confirms at their bank, and the page for it."""

    id: UUID
    """Id of the charge."""
    invoice_id: UUID
    """The invoice that is charged."""
    attempt: int
    """Number of the attempt, from 1 for each invoice."""
    status: Literal["open"]
    """The charge is under way."""
    payment_method: SavedCard
    """The card that is charged."""
    setup_id: UUID
    """Id of the opening of the page."""
    frame_url: str
    """Address of the page, for an iframe."""


class CardUpdated(Accepted):
    """A new default card, and the charges that have begun with it."""

    payment_method: SavedCard
    """The card that is the default now."""
    charges: list[ChargeStarted]
    """One for each invoice that is charged at once."""


class CardAdded(Accepted, SavedCard):
    """A card that was added."""

    is_default: bool
    """True for a customer's first card."""


class BackupText(BaseModel):
    """The text that a customer agrees to before a card becomes the backup."""

    text_version: str
    """Version of the text."""
    text: str
    """The text."""


class RemovalPreview(BaseModel):
    """What removing a card does."""

    allowed: bool
    """False for the only card while a subscription needs it or something is owed."""
    next_default: SavedCard | None
    """The default afterwards. Null if no card is left."""
    statements: list[str]
    """The same in words."""


class CardDetails(BaseModel):
    """A card as it was at a change."""

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


class Consent(BaseModel):
    """What the customer agreed to when a card became the backup."""

    text: str
    """Version of the text."""
    language: str
    """Language in which it was shown."""
    at: datetime
    """When the customer agreed."""


class CardChange(BaseModel):
    """A change of the cards on file."""

    at: datetime
    """When it happened."""
    kind: str
    """`default`, `added`, `removed`, `refreshed`, `backup` or `no_backup`. More values may come."""
    card: CardDetails
    """The card that changed."""
    before: CardDetails | None = None
    """The former default, or the former details of a refreshed card. Absent otherwise."""
    consent: Consent | None = None
    """The consent to a backup. Absent for other changes."""
    text: str
    """The change in words."""


class CardChanges(BaseModel):
    """The last changes of the customer's cards."""

    items: list[CardChange]
    """Newest first, at most 20."""
