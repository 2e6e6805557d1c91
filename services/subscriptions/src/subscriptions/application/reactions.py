"""The commands that events of other services lead to. Pure."""

from typing import Any
from uuid import UUID

from billing_contracts.invoicing import InvoicePaid, InvoicePaymentFailed, InvoiceVoided
from billing_contracts.shapes import Period as PublicPeriod
from chassis.decoding import Received
from subscriptions.domain.dunning import Policies, WhenRetriesEnd
from subscriptions.domain.period import Period
from subscriptions.domain.plan.terms import Money
from subscriptions.domain.subscription.commands import RecordFailure, RecordPaid, RecordWaived

NOT_CONFIRMED = "not_confirmed"
"""The reason of a debt without an attempt: the charge was not in the list that the customer confirmed."""


def paid(received: Received[InvoicePaid]) -> RecordPaid:
    paid = received.data
    return RecordPaid(period(paid.period), subject(received), received.envelope.time, paid.agreed_at)


def failed(received: Received[InvoicePaymentFailed], policies: Policies) -> RecordFailure:
    failure = received.data
    return RecordFailure(
        period=period(failure.period),
        invoice_id=subject(received),
        amount=Money(failure.amount.amount_minor, failure.amount.currency),
        reason=NOT_CONFIRMED if failure.needs_confirmation else failure.code,
        retryable=failure.retryable,
        attempt=failure.attempt,
        policies=policies,
        at=received.envelope.time,
        followed=failure.followed,
        manual=failure.manual,
    )


def waived(received: Received[InvoiceVoided]) -> RecordWaived | None:
    """None if the invoice was voided because the subscription ended."""
    if received.data.reason != "merchant":
        return None
    return RecordWaived(subject(received), received.envelope.time)


def policies(document: dict[str, Any]) -> Policies:
    """The policies in a merchant's projected document (the data of MerchantConfigured)."""
    fields = document["policies"]
    return Policies(
        cancel_mode=fields["cancel_mode"],
        unpaid_renewal_on_cancel=fields["unpaid_renewal_on_cancel"],
        retry_days=tuple(fields["retry_days"]),
        when_retries_end=WhenRetriesEnd(fields["when_retries_end"]),
    )


def period(public: PublicPeriod) -> Period:
    return Period(public.start, public.end)


def subject(received: Received[Any]) -> UUID:
    """The id in the subject, as in `invoice-<uuid>`."""
    return UUID(received.envelope.subject.partition("-")[2])
