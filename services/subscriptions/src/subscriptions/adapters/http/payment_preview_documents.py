"""What the preview of a payment answers with, for the description of the API: fields are only added."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from billing_contracts import shapes
from billing_contracts.money import Money


class BegunPeriod(BaseModel):
    """A period that has begun and is not charged yet."""

    invoice_id: UUID
    """Id that the period's invoice will have."""
    period: shapes.Period
    """The period."""
    amount: Money
    """What the period costs, with tax."""


class SettledSubscription(BaseModel):
    """What paying an unpaid period does to its subscription."""

    subscription_id: UUID
    """The subscription."""
    invoice_id: UUID
    """The invoice of the unpaid period."""
    effect: Literal["starts", "continues", "ends", "settles"]
    """What becomes of the subscription: it becomes active with its first payment, it continues, it ends at its scheduled
    cancellation, or it stays ended and only the debt is paid.
    """
    period: shapes.Period
    """The unpaid period."""
    until: datetime | None
    """When the subscription renews or ends after the payment. Null when it is over."""
    begun: list[BegunPeriod]
    """Later periods that have begun, and are charged because of the payment."""
    more: bool
    """True when more periods have begun than are listed."""


class PaymentPreview(BaseModel):
    """What paying would do to each of the customer's subscriptions with an unpaid period."""

    at: datetime
    """The instant that the answer is computed for, by the merchant's clock."""
    subscriptions: list[SettledSubscription]
    """One for each subscription with an unpaid period."""
