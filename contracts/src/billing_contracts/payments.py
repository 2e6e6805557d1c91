"""What the payments service announces on `billing.payments`.

Two kinds of aggregate: `wallet-<customer id>`, the customer's payment methods, and `payment-<invoice id>`, the
collection of one invoice, attempt after attempt.
"""

from typing import Literal
from uuid import UUID

from billing_contracts.envelope import EventData, Instant
from billing_contracts.money import Money
from billing_contracts.shapes import Card, Period, Shape

FailureCode = Literal[
    "card_declined", "insufficient_funds", "expired_card", "incorrect_cvc", "no_payment_method", "processing_error"
]


class ConfirmedCharge(Shape):
    """One line of what was shown and confirmed."""

    invoice_id: UUID
    """Of an invoice that is open, or of the one that the period will get."""
    subscription_id: UUID
    period: Period | None = None
    amount: Money
    """Tax included. A lower amount may be charged, a higher one is not."""


class Confirmation(Shape):
    """Consent to a list of charges. Charges that follow from it name it; nothing beyond the list is charged because of it."""

    id: UUID
    at: Instant
    charges: tuple[ConfirmedCharge, ...]


class PaymentMethodUpdated(EventData):
    """The customer's default from now on, for all their subscriptions."""

    TYPE = "billing.payments.PaymentMethodUpdated.v1"

    payment_method: Card
    replaces: UUID | None = None
    """The default until now."""
    charged_invoices: tuple[UUID, ...] = ()
    """What the customer saw listed and agreed to pay at once."""
    confirmation: Confirmation | None = None
    """All that was listed, with amounts: also the periods that have begun and are entered once the debt is paid."""


class PaymentConfirmed(EventData):
    """An open invoice is to be paid now with a card on file."""

    TYPE = "billing.payments.PaymentConfirmed.v1"

    invoice_id: UUID
    payment_method: Card
    confirmation: Confirmation


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
    confirmation_id: UUID | None = None
    """The confirmation that the attempt follows from; absent for renewals and retries."""


class PaymentStarted(PaymentEvent):
    """An attempt is decided; the provider is about to be asked."""

    TYPE = "billing.payments.PaymentStarted.v1"


class PaymentSucceeded(PaymentEvent):
    TYPE = "billing.payments.PaymentSucceeded.v1"

    reference: str
    """The provider's."""
    agreed_at: Instant | None = None
    """When the charge was confirmed, where it follows from a confirmation."""


class PaymentFailed(PaymentEvent):
    TYPE = "billing.payments.PaymentFailed.v1"

    code: FailureCode
    retryable: bool
    """False: only another card can help."""
    reference: str | None = None
    followed: bool = False
    """True: the next attempt has begun already, with a card that the customer agreed to meanwhile."""
    manual: bool = False
    """True: the attempt was requested, with a card on file. It does not move the schedule of retries."""
    needs_confirmation: bool = False
    """True: nothing was tried, because the charge would follow from a confirmation that does not list it."""


class PaymentOutcomeUnknown(PaymentEvent):
    """The provider did not answer in time; it is asked until it is known. Never to be taken for a failure."""

    TYPE = "billing.payments.PaymentOutcomeUnknown.v1"

    next_check_at: Instant


class PaymentRefunded(PaymentEvent):
    TYPE = "billing.payments.PaymentRefunded.v1"

    reason: Literal["invoice_voided"]
    reference: str
