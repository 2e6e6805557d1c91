"""What the payments service announces on `billing.payments`.

Two kinds of aggregate: `wallet-<customer id>`, the customer's payment methods, and `payment-<invoice id>`, the
collection of one invoice, attempt after attempt.
"""

from typing import Literal
from uuid import UUID

from billing_contracts.envelope import EventData, Instant
from billing_contracts.money import Money
from billing_contracts.shapes import Card

FailureCode = Literal[
    "card_declined", "insufficient_funds", "expired_card", "incorrect_cvc", "no_payment_method", "processing_error"
]


class PaymentMethodUpdated(EventData):
    """The customer's default from now on, for all their subscriptions."""

    TYPE = "billing.payments.PaymentMethodUpdated.v1"

    payment_method: Card
    replaces: UUID | None = None
    """The default until now."""
    charged_invoices: tuple[UUID, ...] = ()
    """What the customer saw listed and agreed to pay at once."""


class PaymentMethodRemoved(EventData):
    TYPE = "billing.payments.PaymentMethodRemoved.v1"

    payment_method_id: UUID


class PaymentEvent(EventData):
    invoice_id: UUID
    subscription_id: UUID
    charge_id: UUID
    """One attempt; the provider's idempotency key."""
    attempt: int
    """From 1, per invoice."""
    amount: Money
    payment_method: Card | None = None


class PaymentStarted(PaymentEvent):
    """An attempt is decided; the provider is about to be asked."""

    TYPE = "billing.payments.PaymentStarted.v1"


class PaymentSucceeded(PaymentEvent):
    TYPE = "billing.payments.PaymentSucceeded.v1"

    reference: str
    """The provider's."""


class PaymentFailed(PaymentEvent):
    TYPE = "billing.payments.PaymentFailed.v1"

    code: FailureCode
    retryable: bool
    """False: only another card can help."""
    reference: str | None = None
    followed: bool = False
    """True: the next attempt has begun already, with a card that the customer agreed to meanwhile."""


class PaymentOutcomeUnknown(PaymentEvent):
    """The provider did not answer in time; it is asked until it is known. Never to be taken for a failure."""

    TYPE = "billing.payments.PaymentOutcomeUnknown.v1"

    next_check_at: Instant


class PaymentRefunded(PaymentEvent):
    TYPE = "billing.payments.PaymentRefunded.v1"

    reason: Literal["invoice_voided"]
    reference: str
