"""The bodies of the commands."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictInt, StringConstraints

from billing_contracts.subscriptions import Feedback
from chassis.http.bodies import StrictBody
from chassis.http.free_text import Remark
from portal_gateway.application.requests import CancelMode, Purpose
from portal_gateway.domain.settlement import Effect


class Cancelling(StrictBody):
    """How and why the subscription is cancelled."""

    mode: CancelMode | None = None
    """When the cancellation takes effect. The merchant's policy when absent."""
    feedback: Feedback | None = None
    """Why, chosen from a list."""
    comment: Remark | None = None
    """Why, in the customer's words. Card numbers are removed before it is stored."""


Minor = Annotated[StrictInt, Field(ge=0, le=2**53)]
Code = Annotated[str, StringConstraints(strict=True, pattern="^[A-Z]{3}$")]


class Amount(StrictBody):
    """An amount of money."""

    amount_minor: Minor
    """Amount in the currency's smallest unit: 2999 is 29.99 USD."""
    currency: Code
    """ISO 4217 code."""


class NewCard(StrictBody):
    """A card that was typed, and the charges that the customer confirmed with it."""

    setup_id: Annotated[str, Field(min_length=1, max_length=100)]
    """The set-up of the card page that was shown."""
    token: Annotated[str, Field(min_length=1, max_length=200)]
    """The card page's token for the card that was typed."""
    charge_invoices: Annotated[list[UUID], Field(max_length=1000)]
    """Ids of all invoices that were listed in `due`, also those of begun periods."""
    totals: Annotated[list[Amount], Field(max_length=10)] | None = None
    """The sums that were shown, one for each currency. Compared when given."""


class CardEntry(StrictBody):
    """What a card is typed for."""

    purpose: Purpose = "default"
    """`default`: the card becomes the default, and what is due is charged. `add`: it is stored beside the others."""


class AnotherCard(StrictBody):
    """A card that was typed, to be stored beside the others."""

    setup_id: UUID
    """The set-up of the card page that was shown."""
    token: Annotated[str, Field(min_length=1, max_length=200)]
    """The card page's token for the card that was typed."""


class BackupChoice(StrictBody):
    """The customer's consent to be charged with this card if the default fails."""

    text_version: Annotated[str, Field(min_length=1, max_length=40)]
    """Version of the text that was shown."""


class Payment(StrictBody):
    """The payment that the customer confirmed."""

    payment_method_id: UUID
    """The card on file to charge."""
    amount_minor: Minor
    """The total that was shown, in the currency's smallest unit: the invoice and the periods that have begun since."""
    currency: Code
    """ISO 4217 code of the total that was shown."""
    charge_invoices: Annotated[list[UUID], Field(max_length=1000)] | None = None
    """Ids of all invoices that were listed in `due`. Compared when given."""
    effect: Effect | None = None
    """The effect on the subscription that was shown. Compared when given."""


class OneTimePayment(Amount):
    """A card that was typed, and the total that the payer confirmed. The card is not stored."""

    setup_id: Annotated[str, Field(min_length=1, max_length=100)]
    """The set-up of the card page that was shown."""
    token: Annotated[str, Field(min_length=1, max_length=200)]
    """The card page's token for the card that was typed."""
