"""Response bodies for the OpenAPI description. Fields are only added; texts are in the customer's language."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from billing_contracts.shapes import Tax
from portal_gateway.adapters.api.common_documents import Accepted, Interval, Last4, Money, Period
from portal_gateway.adapters.api.invoice_documents import InvoicePage

CancelMode = Literal["at_period_end", "immediately"]


class SessionTold(BaseModel):
    """A customer's session."""

    ends_at: datetime
    """When it ends unless the customer does something."""
    latest_end: datetime
    """When it ends at the latest."""
    csrf: str
    """Token for the header `x-csrf-token` of requests that change something."""
    flow: str | None
    """Where the link leads, when not to the whole page: `payment_method` or `cancel`."""
    return_url: str | None
    """Where the page leads the customer back to. Null when the link has none."""


class Company(BaseModel):
    """The merchant, as its customers see it."""

    name: str
    """Name."""
    logo_url: str | None
    """Path of the logo. Null when there is none."""
    colour: str | None
    """Accent colour, as `#rrggbb`."""
    contact_email: str | None
    """E-mail address for customers."""
    terms_url: str | None
    """Address of the terms of service."""
    privacy_url: str | None
    """Address of the privacy notice."""


class Customer(BaseModel):
    """The customer. All fields are null until the profile has arrived."""

    name: str | None
    """Name."""
    email: str | None
    """E-mail address."""
    locale: str | None
    """BCP 47 language tag."""


class Plan(BaseModel):
    """The plan of a subscription."""

    id: UUID
    """Id of the plan."""
    name: str
    """Name."""
    description: str
    """Text about the plan."""
    image_url: str | None
    """Path of the picture. Null when there is none."""


class Cancellation(BaseModel):
    """A scheduled cancellation."""

    mode: CancelMode
    """How the subscription ends."""
    effective_at: datetime
    """When it ends."""
    feedback: str | None
    """The reason that was chosen. Null when none was."""


class Authentication(BaseModel):
    """A charge that waits for the customer's answer to their bank."""

    invoice_id: UUID
    """The invoice that is charged."""
    until: datetime
    """How long it waits, by the wall clock."""
    payment_method_id: str
    """Id of the card that is charged."""


class Debt(BaseModel):
    """What is owed for the current period."""

    amount: Money
    """What is owed."""
    reason: str
    """Why the last attempt failed."""
    next_attempt_at: datetime | None
    """When the next attempt is due. Null when none is."""
    invoice_id: UUID
    """The unpaid invoice."""
    detail: str | None = None
    """A more precise reason, if there is one: `authentication_required`, `authentication_failed`, `authentication_abandoned`,
    `amount_not_chargeable`. More values may come; treat an unknown one like `reason`.
    """
    remedy: str | None = None
    """What can make the payment succeed: `wait`, `another_card`, or `authenticate` (the customer confirms it at their bank). Null
    when that is not known, and when none of these helps. More values may come.
    """
    authentication: Authentication | None = None
    """The charge that waits for the customer's bank. Null when none does."""


class Recurring(BaseModel):
    """What a period costs."""

    total: Money
    """What is charged for a period."""
    tax: Money | None
    """The tax in it. Null when none applies or when it is not known."""
    tax_rate: Tax | None
    """The tax and its rate. Null when none applies."""
    tax_known: bool
    """True when `total` contains all of the tax."""


class Subscription(BaseModel):
    """A subscription, in facts and in words."""

    id: UUID
    """Id of the subscription."""
    version: int
    """Increases by one with each event of the subscription."""
    status: str
    """The subscription's status."""
    status_text: str
    """The status in words."""
    plan: Plan
    """The plan."""
    quantity: int
    """How many units of the plan."""
    price: Money
    """Price of one unit."""
    frequency_text: str
    """The price and how often it is charged, in words."""
    recurring: Recurring
    """What a period costs."""
    period_total: Money
    """What the current period costs."""
    interval: Interval
    """Length of a period."""
    current_period: Period
    """The current period."""
    renews_on: date | None
    """Date of the next renewal. Null when there is none."""
    renewal_text: str
    """When the subscription renews or ends, in words."""
    cancellation: Cancellation | None
    """The scheduled cancellation. Null when none is scheduled."""
    debt: Debt | None
    """What is owed for the current period. Null when nothing is."""
    debt_text: str | None
    """The debt in words. Null when nothing is owed."""
    payment_text: str | None
    """What paying the debt does, in words. Null when nothing can be paid."""
    ended_at: datetime | None
    """When the subscription ended. Null while it has not."""
    stale: bool
    """True when events of the subscription have not arrived yet."""


class PaymentMethod(BaseModel):
    """The default card."""

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
    state: Literal["valid", "expiring", "expired"]
    """Whether the card is valid, expires soon, or has expired."""
    text: str
    """The card in words."""


class CardOnFile(PaymentMethod):
    """A card on file."""

    role: Literal["default", "backup"] | None
    """`default` pays for everything, `backup` once if the default fails. Null for the others."""


class CardsOnFile(BaseModel):
    """The customer's cards."""

    items: list[CardOnFile]
    """The default first, then the backup, then the latest first."""


class Pending(BaseModel):
    """Accepted by its service, and not in the view yet."""

    kind: Literal["cancellation", "cancellation_withdrawn", "payment_method", "charge"]
    """What was accepted."""
    aggregate: str
    """The aggregate that changed, as `<kind>-<uuid>`."""
    version: int
    """The aggregate's version after the change."""
    accepted_at: datetime
    """When it was accepted."""
    detail: dict[str, Any]
    """More about it, by kind."""


class Overview(BaseModel):
    """Everything that the page shows."""

    company: Company
    """The merchant."""
    customer: Customer
    """The customer."""
    subscriptions: list[Subscription]
    """The subscriptions."""
    payment_method: PaymentMethod | None
    """The default card. Null when there is none."""
    payment_methods: list[CardOnFile]
    """All cards on file: the default first, then the backup, then the latest first."""
    invoices: InvoicePage
    """The latest invoices."""
    pending: list[Pending]
    """What was accepted and is not shown yet."""
    revision: int
    """Increases with each change of the facts."""
    as_of: datetime
    """The instant that the facts are of."""
    stale: bool
    """True when the facts may be out of date."""
    stale_text: str | None
    """How old the facts are, in words. Null when they are not."""


class CancellationPreview(BaseModel):
    """What a cancellation would do."""

    mode: CancelMode
    """How the subscription would end."""
    effective_at: datetime
    """When it would end."""
    access_until: datetime
    """Until when the customer would have access."""
    open_amount: Money | None
    """What is unpaid of the current period. Null when nothing is."""
    open_invoices: Literal["void", "keep"] | None
    """What would happen to the unpaid invoice. Null when there is none."""
    paid_until: datetime | None
    """End of the paid period, when the access ends before it. Null otherwise."""
    frequency_text: str | None
    """The price and how often it is charged, in words."""


class CancellationAccepted(Accepted):
    """A cancellation that took effect or is scheduled."""

    effective_at: datetime
    """When the subscription ends."""
    access_until: datetime
    """Until when the customer has access."""
    mode: CancelMode
    """How it ends."""
    card_number_removed: Literal[True] | None = None
    """True when the comment contained a card number, which was removed before the comment was stored. Absent otherwise."""


class CancellationWithdrawn(Accepted):
    """A scheduled cancellation that was withdrawn: the subscription continues."""

    effective_at: None
    """Always null: the subscription no longer ends."""
    mode: None
    """Always null."""
