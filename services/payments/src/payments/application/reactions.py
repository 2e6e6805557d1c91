"""What payments does about invoices that are issued and voided, and about retries that are due."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from billing_contracts import invoicing, subscriptions
from billing_contracts.envelope import Envelope
from chassis.consumers import Projection, Reaction, Received, UnitOfWork
from chassis.eventsourcing.event_store import Statement
from chassis.eventsourcing.stream import Stream
from chassis.tenants import merchant_projection
from payments.application.aggregates import PAYMENT, WALLET
from payments.domain.confirmation import Confirmation, Period
from payments.domain.payment.commands import Collect, TryAgain
from payments.domain.shapes import Method, Money
from payments.domain.wallet.wallet import Wallet

SUBSCRIPTION = "subscription"
ENDED = frozenset({subscriptions.Status.CANCELED.value, subscriptions.Status.INCOMPLETE_EXPIRED.value})


async def collect_invoice(received: Received[invoicing.InvoiceIssued], batch: UnitOfWork) -> None:
    envelope, issued = received.envelope, received.data
    merchant_id, invoice_id, customer_id = envelope.merchantid, aggregate_id(envelope), customer_of(envelope)
    amount = Money(issued.total.amount_minor, issued.total.currency)
    facts = (customer_id, issued.subscription_id, issued.number, amount.amount_minor, amount.currency, envelope.time)
    period = Period(issued.period.start, issued.period.end)
    sql = """
        INSERT INTO collection (merchant_id, invoice_id, customer_id, subscription_id, number, amount_minor, currency, issued_at,
                                period_start, period_end)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
        """
    batch.write(Statement(sql, (merchant_id, invoice_id, *facts, period.start, period.end)))
    wallet = (await batch.state(WALLET, merchant_id, customer_id))[1]
    cause = await confirmation_behind(batch, merchant_id, wallet, issued.subscription_id, period) if wallet else None
    confirmed = wallet.method(cause.method_id) if wallet and cause else None
    command = Collect(
        invoice_id,
        issued.subscription_id,
        customer_id,
        amount,
        confirmed or (wallet.default if wallet else None),
        envelope.time,
        consent=cause.consent if cause else None,
        withheld=cause is not None and not cause.allows(invoice_id, amount),
    )
    await batch.decide(PAYMENT, invoice_id, command, cause=received)


async def confirmation_behind(
    batch: UnitOfWork, merchant_id: UUID, wallet: Wallet, subscription_id: UUID, period: Period
) -> Confirmation | None:
    """The confirmation because of which the subscription enters the period; None for an ordinary renewal.

    It is the one that the payment of the period before follows from, when this period had begun by then.
    """
    for confirmation, before in wallet.may_have_led_to(subscription_id, period):
        payment = (await batch.state(PAYMENT, merchant_id, before))[1]
        consent = payment.paid.consent if payment and payment.paid else None
        if consent and consent.id == confirmation.id:
            return confirmation
    return None


async def try_again(received: Received[subscriptions.SubscriptionRetryDue], batch: UnitOfWork) -> None:
    envelope, invoice_id = received.envelope, received.data.invoice_id
    if not await open_for_collection(batch, envelope.merchantid, invoice_id):
        return
    default = await default_method(batch, envelope.merchantid, customer_of(envelope))
    await batch.decide(PAYMENT, invoice_id, TryAgain(default, envelope.time), cause=received)


async def stop_collecting(
    received: Received[invoicing.InvoiceVoided | invoicing.InvoiceMarkedUncollectible], batch: UnitOfWork
) -> None:
    """An attempt in flight goes on to its end; what it takes for a voided invoice is given back."""
    state = "void" if isinstance(received.data, invoicing.InvoiceVoided) else "uncollectible"
    merchant_id, invoice_id = received.envelope.merchantid, aggregate_id(received.envelope)
    closed = "UPDATE collection SET state = $3, refund_call_at = now() WHERE merchant_id = $1 AND invoice_id = $2"
    agreed = "DELETE FROM agreed_charge WHERE merchant_id = $1 AND invoice_id = $2"
    batch.write(Statement(closed, (merchant_id, invoice_id, state)), Statement(agreed, (merchant_id, invoice_id)))


TOPICS = (invoicing.InvoiceIssued.topic(), subscriptions.MerchantConfigured.topic())

REACTIONS: Mapping[str, Reaction] = {
    invoicing.InvoiceIssued.TYPE: collect_invoice,
    invoicing.InvoiceVoided.TYPE: stop_collecting,
    invoicing.InvoiceMarkedUncollectible.TYPE: stop_collecting,
    subscriptions.SubscriptionRetryDue.TYPE: try_again,
}


def streams_of_invoice(received: Received[Any]) -> Sequence[Stream]:
    envelope = received.envelope
    return streams(envelope, aggregate_id(envelope))


def streams_of_retry(received: Received[Any]) -> Sequence[Stream]:
    return streams(received.envelope, received.data.invoice_id)


def streams(envelope: Envelope, invoice_id: UUID) -> Sequence[Stream]:
    merchant_id = envelope.merchantid
    return WALLET.stream(merchant_id, customer_of(envelope)), PAYMENT.stream(merchant_id, invoice_id)


STREAMS = {invoicing.InvoiceIssued.TYPE: streams_of_invoice, subscriptions.SubscriptionRetryDue.TYPE: streams_of_retry}


def subscription_status(_: dict[str, Any] | None, envelope: Envelope) -> dict[str, Any]:
    return {"status": envelope.data["status"]}


PROJECTIONS = (
    merchant_projection(frozenset({subscriptions.MerchantConfigured.TYPE})),
    Projection(
        SUBSCRIPTION,
        frozenset(event.TYPE for event in subscriptions.SubscriptionEvent.__subclasses__()),
        subscription_status,
    ),
)
"""Merchants, and which subscriptions still need a card."""


async def default_method(batch: UnitOfWork, merchant_id: UUID, customer_id: UUID) -> Method | None:
    found = await batch.state(WALLET, merchant_id, customer_id)
    return found[1].default if found[1] else None


async def open_for_collection(batch: UnitOfWork, merchant_id: UUID, invoice_id: UUID) -> bool:
    """False for what was voided or given up; true for what this very batch begins to collect."""
    sql = "SELECT state FROM collection WHERE merchant_id = $1 AND invoice_id = $2"
    return await batch.connection.fetchval(sql, merchant_id, invoice_id) in ("open", None)


def aggregate_id(envelope: Envelope) -> UUID:
    return UUID(envelope.subject.partition("-")[2])


def customer_of(envelope: Envelope) -> UUID:
    assert envelope.customerid is not None, f"{envelope.type} is about a customer"
    return envelope.customerid
