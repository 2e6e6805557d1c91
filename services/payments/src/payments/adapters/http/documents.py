"""What the routes answer with, for the description of the API: fields are only added."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from billing_contracts.money import Money

Brand = Literal["visa", "mastercard", "amex", "other"]
Last4 = Annotated[str, Field(pattern="^[0-9]{4}$")]


class Period(BaseModel):
    """A billing period: from `start`, included, to `end`, excluded."""

    start: datetime
    """First instant of the period."""
    end: datetime
    """First instant after the period."""


class Due(BaseModel):
    """One charge of a confirmation: an open invoice, or a begun period, for which an invoice is issued later."""

    invoice_id: UUID
    """Id of the invoice, also before it is issued."""
    number: str | None
    """Invoice number. Null before the invoice is issued."""
    amount: Money
    """What is charged."""
    subscription_id: UUID | None = None
    """The subscription that the invoice belongs to. Absent where it is not known."""
    period: Period | None = None
    """The begun period. Absent for an open invoice."""
    effect: str | None = None
    """What paying the invoice does to its subscription: `starts`, `continues`, `ends` or `settles`. Absent for a begun period."""


class Dues(BaseModel):
    """Everything that a confirmation charges."""

    due: list[Due]
    """The charges, in the order in which they are made. Empty when nothing is due."""
    total: Money | None
    """Sum of the charges. Null when nothing is due, or when they are in more than one currency."""
    more: bool = False
    """True when more periods have begun than are listed: another confirmation is needed for them. Absent otherwise."""


class SetUp(Dues):
    """A page on which the customer can type a card, and what confirming the card charges."""

    setup_id: UUID
    """Id of the set-up. It is valid for one card."""
    frame_url: str
    """Address of the card page, for an iframe of the portal."""


class PaymentPreview(Dues):
    """What paying an invoice now charges."""

    invoice_id: UUID
    """The invoice."""
    running: bool
    """True while a charge for the invoice is under way."""


class Method(BaseModel):
    """A card, without its number and CVV."""

    id: UUID
    """Id of the payment method."""
    brand: Brand
    """The card's network."""
    last4: Last4
    """Last four digits of the card number."""
    exp_month: int
    """Month in which the card expires, 1 to 12. The card is valid until the end of that month."""
    exp_year: int
    """Year in which the card expires, four digits."""


class MethodOnFile(Method):
    """A card on file."""

    is_default: bool
    """True for the card that renewals are charged to."""
    is_backup: bool
    """True for the card that is charged once if the default fails. The customer has agreed to that."""


class MethodsOnFile(BaseModel):
    """A customer's cards."""

    items: list[MethodOnFile]
    """The default first, then the latest first."""


class OwnedMethod(MethodOnFile):
    """A card on file, and its customer."""

    customer_id: UUID
    """The customer."""


class Accepted(BaseModel):
    """A command that was carried out."""

    aggregate: str
    """The aggregate that changed, as `<kind>-<uuid>`: the `subject` of its events."""
    version: int
    """The aggregate's version after the change: the `sequence` of its latest event."""


class AddedMethod(Method, Accepted):
    """A card that was added."""

    is_default: bool
    """True if the card is the default now."""


class MigratedMethod(BaseModel):
    """A card that moves to another provider."""

    status: Literal["possible", "migrated", "migrated_before"]
    """`possible` after a dry run; `migrated_before` if nothing was left to do."""
    customer_id: UUID
    """The customer."""
    old: Method
    """The card that was on file."""
    new: Method
    """The card in its place."""


class Removal(BaseModel):
    """What removing a card does."""

    payment_method: MethodOnFile
    """The card."""
    allowed: bool
    """False for the only card while a subscription needs it or something is owed."""
    next_default: Method | None
    """The default afterwards. Null if no card is left."""


class ChargeStarted(Accepted):
    """A charge that has begun."""

    invoice_id: UUID
    """The invoice that is charged."""


class StartedPayment(Dues, Accepted):
    """A charge that has begun, and what else the confirmation charges. Its outcome follows as an event and in the charges."""

    id: UUID
    """Id of the charge."""
    invoice_id: UUID
    """The invoice that is charged."""
    attempt: int
    """Number of the attempt, from 1 for each invoice."""
    status: Literal["open"]
    """The charge is under way."""
    payment_method: Method
    """The card that is charged."""
    confirmation_id: UUID
    """Id of the confirmation: everything that it charges names it."""


class ConfirmationPage(BaseModel):
    """A page on which a charge is confirmed at the bank."""

    setup_id: UUID
    """Id of the opening of the page. It is valid for half an hour."""
    frame_url: str
    """Address of the page, for an iframe of the portal."""


class StartedAuthentication(ConfirmationPage, Accepted):
    """A charge that the customer confirms at their bank, and the page for it. Its outcome follows as an event.""" ""

    id: UUID
    """Id of the charge."""
    invoice_id: UUID
    """The invoice that is charged."""
    attempt: int
    """Number of the attempt, from 1 for each invoice."""
    status: Literal["open"]
    """The charge is under way."""
    payment_method: Method
    """The card that is charged."""


class ChangedDefault(Accepted):
    """A new default card, and the charges that have begun with it."""

    payment_method: Method
    """The card that is the default now."""
    charges: list[ChargeStarted]
    """One for each invoice that is charged at once."""


class ChargedCard(BaseModel):
    """The card of an attempt."""

    id: UUID
    """Id of the payment method."""
    brand: Brand | None
    """The card's network. Null where it was not recorded."""
    last4: Last4 | None
    """Last four digits of the card number. Null where it was not recorded."""


class Refund(BaseModel):
    """A refund of all or a part of what an attempt collected."""

    id: UUID
    """Id of the refund; for a credit note its id."""
    amount: Money
    """What goes back."""
    reason: str
    """`credit_note` or `invoice_voided`. More values may come."""
    status: Literal["requested", "made", "failed"]
    """`requested` has no outcome yet: the provider is called until it is known; `failed` is final, no money went back."""
    code: str | None
    """The provider's code. Null unless the refund failed."""
    reference: str | None
    """The provider's reference. Null until it is known."""
    requested_at: datetime
    """When it was requested, by the merchant's clock."""
    ended_at: datetime | None
    """When the outcome was known. Null before."""


class Charge(BaseModel):
    """One attempt to collect an invoice."""

    id: UUID
    """Id of the charge."""
    invoice_id: UUID
    """The invoice."""
    attempt: int
    """Number of the attempt, from 1 for each invoice."""
    amount: Money
    """What the attempt was to collect."""
    status: Literal["open", "unknown", "succeeded", "failed", "refunded"]
    """`open` is under way; `unknown` means that the provider did not answer; the request is repeated."""
    code: str | None
    """Why the attempt failed. Null unless it did."""
    reference: str | None
    """The provider's reference. Null until it is known."""
    payment_method: ChargedCard | None
    """The card. Null when none was on file."""
    backup: bool
    """True when the customer's backup card is charged, because the default has failed."""
    started_at: datetime
    """When the attempt began, by the merchant's clock."""
    authenticate_until: datetime | None = None
    """How long the open attempt waits for the customer's answer to their bank, by the wall clock. Null unless it waits."""
    ended_at: datetime | None
    """When the outcome was known. Null before."""
    refunded_at: datetime | None
    """When the whole amount had been given back. Null unless it was."""
    refunds: list[Refund]
    """What was given back, or will be, oldest first."""


class Charges(BaseModel):
    """The attempts to collect an invoice."""

    items: list[Charge]
    """Oldest first."""


class Dispute(BaseModel):
    """A dispute about a charge that collected an invoice: the customer has contested it at their bank."""

    id: UUID
    """Id of the dispute."""
    charge_id: UUID
    """The charge."""
    invoice_id: UUID
    """The invoice. It stays paid."""
    customer_id: UUID
    """The customer."""
    amount: Money
    """What is disputed. It may differ from what the charge collected."""
    status: Literal["open", "won", "lost", "prevented", "inquiry_closed"]
    """`won`: the merchant keeps the money; `lost`: the customer keeps it; `prevented`: settled before it became a dispute;
    `inquiry_closed`: the bank only inquired.
    """
    returned: bool
    """True when the bank has returned the amount to the customer for good."""
    inquiry: bool
    """True while the bank only asks: no money has moved."""
    reason: str
    """The provider's code for the customer's reason, such as `fraudulent`."""
    reference: str
    """The provider's reference."""
    respond_by: datetime | None
    """Until when evidence can be sent to the provider, by the wall clock. Null when it cannot, or does not have to."""
    opened_at: datetime
    """When it was opened, by the merchant's clock."""
    closed_at: datetime | None
    """When it was decided, by the merchant's clock. Null while it is open."""


class DisputePage(BaseModel):
    """A part of the list of disputes."""

    items: list[Dispute]
    """Newest first."""
    next_cursor: str | None
    """Where the next page begins. Null on the last one."""


class PaymentProvider(BaseModel):
    """The provider of a merchant's new cards."""

    provider: Literal["sandbox", "stripe"] | None
    """`sandbox` takes test cards. Null while no provider is connected and the deployment takes real money only."""
    mode: Literal["live", "test"] | None
    """The mode of the merchant's account. Null without an account."""
    state: Literal["connected", "refused"] | None
    """`refused` once the provider has refused the key: no charge begins until one is connected. Null without an account."""
    publishable_key: str | None
    """The key that the customer's browser uses. Null without an account."""
    key_last4: str | None
    """The last four characters of the restricted key. Null without an account."""
    endpoint_id: UUID | None
    """Id of the endpoint of the account's webhooks. Null without an account."""
    webhook_url: str | None
    """The address to which the provider sends the account's events. Null without an account."""
    webhook_secrets: int
    """How many signing secrets are stored. Without one, no event is accepted."""
    connected_at: datetime | None
    """When the account was connected first, by the wall clock. Null without an account."""
    refused_at: datetime | None
    """When the provider refused the key, by the wall clock. Null unless it did."""
