"""The consumer of this service: collects issued invoices, retries due ones, stops for voided ones, refunds credit notes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from billing_contracts.envelope import Envelope
from billing_contracts.invoicing import CreditNoteIssued, InvoiceIssued, InvoiceMarkedUncollectible, InvoiceVoided
from billing_contracts.registry import data_of
from billing_contracts.subscriptions import MerchantConfigured, SubscriptionEvent, SubscriptionRetryDue
from chassis.consumers import Consumer, Projection, Received, UnitOfWork
from chassis.eventsourcing.stream import Stream
from chassis.tenants import merchant_projection
from payments.application import reactions
from payments.application.aggregates import Payments, Wallets
from payments.application.ports import Rows
from payments.application.reactions import aggregate_id, customer_of
from payments.domain.payment.payment import Payment
from payments.domain.wallet.wallet import Wallet


def consumer(wallets: Wallets, payments: Payments, rows: Rows) -> Consumer:
    async def collect(received: Received[InvoiceIssued], unit: UnitOfWork) -> None:
        envelope, issued = received.envelope, received.data
        period = reactions.period_of(issued)
        unit.write(rows.collection_opened(received, reactions.money(issued), period))
        if await unit.decided_before_restore(payments, aggregate_id(envelope), cause=received):
            return
        wallet = await wallet_of(unit, envelope)

        async def payment_of(invoice_id: UUID) -> Payment | None:
            return (await unit.state(payments, envelope.merchantid, invoice_id))[1]

        cause = await reactions.confirmation_behind(wallet, issued.subscription_id, period, payment_of) if wallet else None
        await unit.decide(payments, aggregate_id(envelope), reactions.collect(received, wallet, cause), cause=received)

    async def try_again(received: Received[SubscriptionRetryDue], unit: UnitOfWork) -> None:
        invoice_id = received.data.invoice_id
        if await unit.decided_before_restore(payments, invoice_id, cause=received):
            return
        if await open_for_collection(unit, received.envelope.merchantid, invoice_id):
            command = reactions.try_again(received, await wallet_of(unit, received.envelope))
            await unit.decide(payments, invoice_id, command, cause=received)

    async def stop_collecting(received: Received[InvoiceVoided | InvoiceMarkedUncollectible], unit: UnitOfWork) -> None:
        """An attempt in flight is not interrupted; what it takes for a voided invoice is refunded."""
        state = "void" if isinstance(received.data, InvoiceVoided) else "uncollectible"
        unit.write(*rows.collection_closed(received.envelope.merchantid, aggregate_id(received.envelope), state))

    async def refund(received: Received[CreditNoteIssued], unit: UnitOfWork) -> None:
        """Store the request. A worker calls the provider after the commit."""
        command = reactions.request_refund(received)
        await unit.decide(payments, aggregate_id(received.envelope), command, cause=received)

    async def wallet_of(unit: UnitOfWork, envelope: Envelope) -> Wallet | None:
        return await unit.complete_state(wallets, envelope.merchantid, customer_of(envelope))

    def streams_of_invoice(received: Received[Any]) -> Sequence[Stream]:
        return streams(received.envelope, aggregate_id(received.envelope))

    def stream_of_refund(received: Received[Any]) -> Sequence[Stream]:
        return [payments.stream(received.envelope.merchantid, aggregate_id(received.envelope))]

    def streams_of_retry(received: Received[Any]) -> Sequence[Stream]:
        return streams(received.envelope, received.data.invoice_id)

    def streams(envelope: Envelope, invoice_id: UUID) -> Sequence[Stream]:
        merchant_id = envelope.merchantid
        return wallets.stream(merchant_id, customer_of(envelope)), payments.stream(merchant_id, invoice_id)

    return Consumer(
        group="payments.collection",
        topics=(InvoiceIssued.topic(), MerchantConfigured.topic()),
        decode=data_of,
        reactions={
            InvoiceIssued.TYPE: collect,
            InvoiceVoided.TYPE: stop_collecting,
            InvoiceMarkedUncollectible.TYPE: stop_collecting,
            CreditNoteIssued.TYPE: refund,
            SubscriptionRetryDue.TYPE: try_again,
        },
        streams_to_load={
            InvoiceIssued.TYPE: streams_of_invoice,
            CreditNoteIssued.TYPE: stream_of_refund,
            SubscriptionRetryDue.TYPE: streams_of_retry,
        },
        projections=(
            merchant_projection(frozenset({MerchantConfigured.TYPE})),
            Projection(
                "subscription",
                frozenset(event.TYPE for event in SubscriptionEvent.__subclasses__()),
                reactions.subscription_status,
            ),
        ),
    )


async def open_for_collection(unit: UnitOfWork, merchant_id: UUID, invoice_id: UUID) -> bool:
    """False for a void or uncollectible invoice. True if the invoice's row is written in this batch."""
    sql = "SELECT state FROM collection WHERE merchant_id = $1 AND invoice_id = $2"
    return await unit.connection.fetchval(sql, merchant_id, invoice_id) in ("open", None)
