"""Events of the payments service on `billing.payments`.

Two kinds of aggregate: `wallet-<customer id>`, the customer's payment methods, and `payment-<invoice id>`, the
collection of one invoice, attempt after attempt.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from billing_contracts.envelope import EventData, Instant
from billing_contracts.money import Money
from billing_contracts.shapes import Card, Period, Shape

FailureCode = Literal[
    "card_declined", "insufficient_funds", "expired_card", "incorrect_cvc", "no_payment_method", "processing_error"
]


Provider = Annotated[str, Field(examples=["stripe"])]


class ConfirmedCharge(Shape):
    """One line of the list that a customer saw and confirmed."""

    invoice_id: UUID
    """The open invoice, or the invoice that the period will get."""
    subscription_id: UUID
    """The subscription that is charged."""
    period: Period | None = None
    """The period that is charged."""
    amount: Money
    """Amount with tax. A lower amount may be charged; a higher one is not."""


class Confirmation(Shape):
    """A customer's consent to a list of charges. Charges that follow from it name it; nothing beyond the list is charged."""

    id: UUID
    """Id of the confirmation, the `confirmation_id` of the attempts that follow from it."""
    at: Instant
    """When the customer confirmed, by the merchant's clock."""
    charges: tuple[ConfirmedCharge, ...]
    """What was listed."""


class PaymentMethodUpdated(EventData):
    """The customer has a new default payment method. It pays for all their subscriptions from now on.

    If it was the backup, there is none any more.
    """

    TYPE = "billing.payments.PaymentMethodUpdated.v1"

    payment_method: Card
    """The new default."""
    replaces: UUID | None = None
    """Id of the payment method that was the default before. Absent for the customer's first one."""
    charged_invoices: tuple[UUID, ...] = ()
    """Ids of the open invoices that are charged now. The customer saw this list and confirmed it."""
    confirmation: Confirmation | None = None
    """Everything that the customer saw listed, with amounts: open invoices, and periods that begin once the debt is paid. Absent
    when there was nothing to confirm.
    """
    provider: Provider | None = None
    """The payment provider that has the card and charges it. Absent: the built-in sandbox."""


class PaymentConfirmed(EventData):
    """The customer confirmed that an open invoice is paid now with a card on file, or the payer of an invoice link did so with a
    card that is used for this payment only. PaymentStarted follows.
    """

    TYPE = "billing.payments.PaymentConfirmed.v1"

    invoice_id: UUID
    """The open invoice."""
    payment_method: Card
    """The card that is charged. One that no PaymentMethodUpdated names is not stored."""
    confirmation: Confirmation
    """Everything that was shown, with amounts."""
    provider: Provider | None = None
    """The payment provider that has the card and charges it. Absent: the built-in sandbox."""


class PaymentMethodAdded(EventData):
    """A payment method was added beside the default, which stays the same."""

    TYPE = "billing.payments.PaymentMethodAdded.v1"

    payment_method: Card
    """The new payment method."""
    provider: Provider | None = None
    """The payment provider that has the card and charges it. Absent: the built-in sandbox."""


class BackupConsent(Shape):
    """What a customer agreed to when they chose a backup."""

    text: Annotated[str, Field(examples=["backup-1"])]
    """Version of the text that was shown."""
    language: Annotated[str, Field(examples=["es"])]
    """BCP 47 tag of the language in which it was shown."""
    at: Instant
    """When the customer agreed, by the merchant's clock."""


class PaymentMethodBackupChosen(EventData):
    """The customer chose the payment method that is charged once if the default fails, or that there is none any more."""

    TYPE = "billing.payments.PaymentMethodBackupChosen.v1"

    payment_method: Card | None = None
    """The backup. Absent: there is none from now on."""
    consent: BackupConsent | None = None
    """The customer's consent. Present if and only if there is a backup."""


class PaymentMethodRefreshed(EventData):
    """The card's network has replaced a payment method: the id is the same, and so is its role. Nothing is charged."""

    TYPE = "billing.payments.PaymentMethodRefreshed.v1"

    payment_method: Card
    """The payment method with its new details."""


class PaymentMethodRemoved(EventData):
    """A payment method was deleted. It is not charged again, neither as the default nor as the backup."""

    TYPE = "billing.payments.PaymentMethodRemoved.v1"

    payment_method_id: UUID
    """Id of the deleted payment method."""
    reason: Annotated[str, Field(examples=["detached"])] | None = None
    """`detached`: the provider does not have it any more, so it cannot be charged. Absent: the customer or the merchant deleted
    it.
    """


class PaymentEvent(EventData):
    invoice_id: UUID
    """The invoice that is collected."""
    subscription_id: UUID
    """The subscription that the invoice belongs to."""
    charge_id: UUID
    """Id of this attempt, and its idempotency key at the payment provider."""
    attempt: int
    """Number of the attempt, from 1 for each invoice."""
    amount: Money
    """Amount of the attempt: the invoice's total."""
    payment_method: Card | None = None
    """The card of this attempt. Absent when no card was on file."""
    confirmation_id: UUID | None = None
    """The confirmation that the attempt follows from. Absent for renewals and retries."""
    backup: bool = False
    """True when the attempt is made with the customer's backup, after the default has failed."""


class PaymentStarted(PaymentEvent):
    """An attempt to collect an invoice begins. No money has moved yet."""

    TYPE = "billing.payments.PaymentStarted.v1"


class PaymentSucceeded(PaymentEvent):
    """The attempt collected the amount. An invoice is collected at most once."""

    TYPE = "billing.payments.PaymentSucceeded.v1"

    reference: str
    """The payment provider's reference; `nothing-due` for an invoice of zero, which needs no provider."""
    agreed_at: Instant | None = None
    """When the customer confirmed the charge, by the merchant's clock. Absent for renewals and retries."""


class PaymentFailed(PaymentEvent):
    """The attempt failed. No money moved."""

    TYPE = "billing.payments.PaymentFailed.v1"

    code: FailureCode
    """Why the attempt failed."""
    retryable: bool
    """True when the same card may succeed later without the customer; false when only another card or the customer can help."""
    reference: str | None = None
    """The payment provider's reference. Absent when the provider was not called."""
    followed: bool = False
    """True when the next attempt has begun already, with a card that the customer confirmed in the meantime."""
    manual: bool = False
    """True when the attempt was requested, with a card on file. It does not move the schedule of retries."""
    needs_confirmation: bool = False
    """True when nothing was tried: the charge would follow from a confirmation that does not list it."""
    detail: Annotated[str | None, Field(examples=["authentication_required"])] = None
    """A more precise reason, if there is one: `authentication_required`, `authentication_failed`, `authentication_abandoned`,
    `amount_not_chargeable`. More values may come; treat an unknown one like `code`.
    """
    remedy: Annotated[str | None, Field(examples=["wait"])] = None
    """What can make the payment succeed: `wait` (the same card, later), `another_card`, or `authenticate` (the customer confirms
    it at their bank). Absent in older events, and when none of these helps. More values may come.
    """


class PaymentOutcomeUnknown(PaymentEvent):
    """The payment provider did not answer in time. The money may have moved: do not treat this as a failure.

    The service checks until the outcome is known; PaymentSucceeded or PaymentFailed follows, with the same `charge_id`.
    """

    TYPE = "billing.payments.PaymentOutcomeUnknown.v1"

    next_check_at: Instant
    """When the service checks with the provider next, by the merchant's clock."""


class PaymentAuthenticationRequired(PaymentEvent):
    """The customer's bank wants the customer to confirm the payment.

    With `until` the attempt is open and waits for the customer, who is present; PaymentSucceeded or PaymentFailed follows, with
    the same `charge_id`. Without it the attempt has failed: the customer can confirm a new one.
    """

    TYPE = "billing.payments.PaymentAuthenticationRequired.v1"

    until: Instant | None = None
    """How long the open attempt waits for the customer, by the wall clock. Absent when the attempt has failed."""


class PaymentRefunded(PaymentEvent):
    """Money of the attempt `charge_id` went back to the customer: `amount`, which may be a part of what was collected."""

    TYPE = "billing.payments.PaymentRefunded.v1"

    amount: Money
    """What went back. The sum of an attempt's refunds is at most the invoice's total."""
    reason: Literal["invoice_voided"]
    """Why it went back: the invoice was void when the payment succeeded, unless `detail` names another reason."""
    reference: str
    """The payment provider's reference of the refund."""
    refund_id: UUID | None = None
    """Id of the refund, as in PaymentRefundRequested; for a credit note its id. Absent in older events."""
    detail: Annotated[str | None, Field(examples=["credit_note"])] = None
    """`credit_note` if the refund settles a credit note. Absent for a voided invoice. More values may come."""


class PaymentRefundRequested(PaymentEvent):
    """A refund was decided. PaymentRefunded or PaymentRefundFailed follows with the same `refund_id`. No money has moved yet."""

    TYPE = "billing.payments.PaymentRefundRequested.v1"

    amount: Money
    """What is to go back."""
    refund_id: UUID
    """Id of the refund, and its idempotency key at the payment provider; for a credit note its id."""
    reason: Annotated[str, Field(examples=["credit_note"])]
    """`credit_note`, or `invoice_voided`: the invoice was void when the payment succeeded. More values may come."""


class PaymentRefundFailed(PaymentEvent):
    """The payment provider refused the refund for good, or the customer's bank returned it after PaymentRefunded.

    The merchant has the money, and has to repay in another way.
    """

    TYPE = "billing.payments.PaymentRefundFailed.v1"

    amount: Money
    """What was to go back."""
    refund_id: UUID
    """Id of the refund, as in PaymentRefundRequested."""
    reason: Annotated[str, Field(examples=["credit_note"])]
    """Why it was requested, as in PaymentRefundRequested."""
    code: Annotated[str, Field(examples=["expired_or_canceled_card"])]
    """The payment provider's code, for operators. Do not show it to customers."""
    reference: Annotated[str | None, Field(examples=["re_1"])] = None
    """The payment provider's reference of the refund. Absent if it has none."""
    made_before: bool = False
    """True after PaymentRefunded with the same `refund_id`: the money came back, so subtract `amount` from what was refunded."""


class PaymentDisputed(PaymentEvent):
    """The customer has contested the attempt `charge_id` at their bank. PaymentDisputeClosed follows with the same `dispute_id`.

    The invoice stays paid, and nothing is charged because of it. With `inquiry` the bank only asks, and no money has moved;
    if the inquiry becomes a dispute, the event comes again with the same `dispute_id` and without `inquiry`.
    """

    TYPE = "billing.payments.PaymentDisputed.v1"

    amount: Money
    """What is disputed. It may differ from what the attempt collected."""
    dispute_id: UUID
    """Id of the dispute."""
    reason: Annotated[str, Field(examples=["fraudulent"])]
    """The payment provider's code for the customer's reason, for operators: `fraudulent`, `product_not_received`, `duplicate`.
    More values may come.
    """
    reference: Annotated[str, Field(examples=["dp_1"])]
    """The payment provider's reference of the dispute."""
    inquiry: bool = False
    """True while the bank only asks."""
    respond_by: Instant | None = None
    """Until when the merchant can send evidence to the provider, by the wall clock. Absent when it cannot or does not have to."""


class PaymentDisputeClosed(PaymentEvent):
    """The bank has decided on a dispute."""

    TYPE = "billing.payments.PaymentDisputeClosed.v1"

    amount: Money
    """What was disputed."""
    dispute_id: UUID
    """Id of the dispute, as in PaymentDisputed."""
    reason: Annotated[str, Field(examples=["fraudulent"])]
    """The payment provider's code for the customer's reason, as in PaymentDisputed."""
    reference: Annotated[str, Field(examples=["dp_1"])]
    """The payment provider's reference of the dispute."""
    outcome: Annotated[str, Field(examples=["lost"])]
    """`won`: the merchant keeps the money. `lost`: the customer keeps it. `prevented`: settled before it became a dispute.
    `inquiry_closed`: the bank inquired, and did not dispute the payment. More values may come: read `returned`.
    """
    returned: bool
    """True when the bank has returned `amount` to the customer for good. The invoice stays paid all the same."""
