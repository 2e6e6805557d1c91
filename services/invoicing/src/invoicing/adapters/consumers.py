"""What invoicing does about the events of others."""

from typing import Any

from billing_contracts import registry
from billing_contracts.customers import CustomerProfile
from billing_contracts.payments import PaymentEvent, PaymentFailed, PaymentRefunded, PaymentSucceeded
from billing_contracts.subscriptions import MerchantConfigured, SubscriptionCancelled, SubscriptionRenewalDue
from chassis.consumers import Consumer, Projection, Received, UnitOfWork
from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.stream import Stream
from chassis.tenants import merchant_projection
from invoicing.application import reactions
from invoicing.application.movements import of_payment
from invoicing.application.ports import InvoiceIssuer, RecordMovement
from invoicing.domain.invoice.commands import Command
from invoicing.domain.invoice.events import Event
from invoicing.domain.invoice.invoice import Invoice


def consumer(aggregate: Aggregate[Command, Event, Invoice], desk: InvoiceIssuer, record: RecordMovement) -> Consumer:
    """One group for all topics: a renewal that waits for a profile is found by the profile when it comes."""

    def invoice_stream(received: Received[PaymentEvent]) -> list[Stream]:
        return [aggregate.stream(received.envelope.merchantid, received.data.invoice_id)]

    async def paid(received: Received[PaymentSucceeded], batch: UnitOfWork) -> None:
        command = reactions.record_payment(received.data, received.envelope.time)
        await batch.decide(aggregate, received.data.invoice_id, command, cause=received)
        moved(received, batch)

    async def failed(received: Received[PaymentFailed], batch: UnitOfWork) -> None:
        command = reactions.record_failure(received.data, received.envelope.time)
        await batch.decide(aggregate, received.data.invoice_id, command, cause=received)
        moved(received, batch)

    async def refunded(received: Received[PaymentRefunded], batch: UnitOfWork) -> None:
        moved(received, batch)

    def moved(received: Received[Any], batch: UnitOfWork) -> None:
        if movement := of_payment(received.envelope, received.data):
            batch.write(record(received.envelope.merchantid, movement))

    return Consumer(
        group="invoicing.invoices",
        topics=("billing.subscriptions", "billing.payments", "billing.customers"),
        decode=registry.data_of,
        reactions={
            SubscriptionRenewalDue.TYPE: desk.renewal_due,
            SubscriptionCancelled.TYPE: desk.cancelled,
            CustomerProfile.TYPE: desk.profile,
            MerchantConfigured.TYPE: desk.merchant,
            PaymentSucceeded.TYPE: paid,
            PaymentFailed.TYPE: failed,
            PaymentRefunded.TYPE: refunded,
        },
        streams={
            SubscriptionRenewalDue.TYPE: desk.stream,
            PaymentSucceeded.TYPE: invoice_stream,
            PaymentFailed.TYPE: invoice_stream,
        },
        projections=(
            merchant_projection(frozenset({MerchantConfigured.TYPE})),
            Projection("customer", frozenset({CustomerProfile.TYPE}), lambda _, envelope: envelope.data, state=True),
        ),
        erased=desk.erased,
        personal=frozenset({"billing.customers"}),
    )
