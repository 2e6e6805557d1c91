"""The consumer of this service: issues and voids invoices, and records payments."""

from typing import Any

from billing_contracts import registry
from billing_contracts.customers import CustomerProfile
from billing_contracts.payments import (
    PaymentDisputeClosed,
    PaymentEvent,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSucceeded,
)
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


def consumer(aggregate: Aggregate[Command, Event, Invoice], issuer: InvoiceIssuer, record_movement: RecordMovement) -> Consumer:
    """One group for all topics, so that a profile finds the renewals that are parked for it."""

    def invoice_stream(received: Received[PaymentEvent]) -> list[Stream]:
        return [aggregate.stream(received.envelope.merchantid, received.data.invoice_id)]

    async def paid(received: Received[PaymentSucceeded], unit: UnitOfWork) -> None:
        command = reactions.record_payment(received.data, received.envelope.time)
        await unit.decide(aggregate, received.data.invoice_id, command, cause=received)
        write_movement(received, unit)

    async def failed(received: Received[PaymentFailed], unit: UnitOfWork) -> None:
        command = reactions.record_failure(received.data, received.envelope.time)
        await unit.decide(aggregate, received.data.invoice_id, command, cause=received)
        write_movement(received, unit)

    async def money_back(
        received: Received[PaymentRefunded | PaymentRefundFailed | PaymentDisputeClosed], unit: UnitOfWork
    ) -> None:
        write_movement(received, unit)

    def write_movement(received: Received[Any], unit: UnitOfWork) -> None:
        if movement := of_payment(received.envelope, received.data):
            unit.write(record_movement(received.envelope.merchantid, movement))

    return Consumer(
        group="invoicing.invoices",
        topics=("billing.subscriptions", "billing.payments", "billing.customers"),
        decode=registry.data_of,
        reactions={
            SubscriptionRenewalDue.TYPE: issuer.renewal_due,
            SubscriptionCancelled.TYPE: issuer.cancelled,
            CustomerProfile.TYPE: issuer.profile,
            MerchantConfigured.TYPE: issuer.merchant,
            PaymentSucceeded.TYPE: paid,
            PaymentFailed.TYPE: failed,
            PaymentRefunded.TYPE: money_back,
            PaymentRefundFailed.TYPE: money_back,
            PaymentDisputeClosed.TYPE: money_back,
        },
        streams_to_load={
            SubscriptionRenewalDue.TYPE: issuer.stream,
            PaymentSucceeded.TYPE: invoice_stream,
            PaymentFailed.TYPE: invoice_stream,
        },
        projections=(
            merchant_projection(frozenset({MerchantConfigured.TYPE})),
            Projection("customer", frozenset({CustomerProfile.TYPE}), lambda _, envelope: envelope.data, state=True),
        ),
        on_erased=issuer.erased,
        personal_topics=frozenset({"billing.customers"}),
    )
