"""The commands that events of other services lead to. Pure."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from billing_contracts.envelope import Envelope
from billing_contracts.invoicing import CreditNoteIssued, InvoiceIssued
from billing_contracts.subscriptions import SubscriptionRetryDue
from chassis.decoding import Received
from payments.domain.confirmation import Confirmation, Period
from payments.domain.payment.commands import Collect, RequestRefund, TryAgain
from payments.domain.payment.payment import Payment
from payments.domain.shapes import Money, RefundReason
from payments.domain.wallet.wallet import Wallet

ENDED = ("canceled", "incomplete_expired")
"""States of subscriptions that need no card any more."""


def collect(received: Received[InvoiceIssued], wallet: Wallet | None, cause: Confirmation | None) -> Collect:
    """`cause`: the confirmation because of which the period was entered. It limits what is charged."""
    envelope, issued = received.envelope, received.data
    invoice_id, amount = aggregate_id(envelope), money(issued)
    confirmed = wallet.method(cause.method_id) if wallet and cause else None
    return Collect(
        invoice_id,
        issued.subscription_id,
        customer_of(envelope),
        amount,
        confirmed or (wallet.default if wallet else None),
        envelope.time,
        consent=cause.consent if cause else None,
        withheld=cause is not None and not cause.allows(invoice_id, amount),
    )


async def confirmation_behind(
    wallet: Wallet, subscription_id: UUID, period: Period, payment_of: Callable[[UUID], Awaitable[Payment | None]]
) -> Confirmation | None:
    """The confirmation because of which the subscription enters the period; None for an ordinary renewal.

    The payment of the previous period follows from it, and this period had begun when it was confirmed. `payment_of` returns
    the payment of an invoice.
    """
    for confirmation, previous_invoice in wallet.may_have_led_to(subscription_id, period):
        payment = await payment_of(previous_invoice)
        consent = payment.paid.consent if payment and payment.paid else None
        if consent and consent.id == confirmation.id:
            return confirmation
    return None


def try_again(received: Received[SubscriptionRetryDue], wallet: Wallet | None) -> TryAgain:
    return TryAgain(wallet.default if wallet else None, received.envelope.time, last=received.data.last)


def request_refund(received: Received[CreditNoteIssued]) -> RequestRefund:
    """A credit note has one refund, with the same id. Its amounts are negative."""
    credited = received.data
    amount = Money(-credited.total.amount_minor, credited.total.currency)
    return RequestRefund(credited.credit_note_id, amount, RefundReason.CREDIT_NOTE, received.envelope.time)


def subscription_status(_: dict[str, Any] | None, envelope: Envelope) -> dict[str, Any]:
    return {"status": envelope.data["status"]}


def money(issued: InvoiceIssued) -> Money:
    return Money(issued.total.amount_minor, issued.total.currency)


def period_of(issued: InvoiceIssued) -> Period:
    return Period(issued.period.start, issued.period.end)


def aggregate_id(envelope: Envelope) -> UUID:
    """The id in the subject, as in `invoice-<uuid>`."""
    return UUID(envelope.subject.partition("-")[2])


def customer_of(envelope: Envelope) -> UUID:
    assert envelope.customerid is not None, f"{envelope.type} is about a customer"
    return envelope.customerid
