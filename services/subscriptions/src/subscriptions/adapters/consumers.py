"""The consumer of this service: the outcome of a period's invoice changes its subscription."""

from uuid import UUID

from billing_contracts.invoicing import InvoicePaid, InvoicePaymentFailed, InvoiceVoided
from billing_contracts.registry import data_of
from chassis.consumers import Consumer, Received, UnitOfWork
from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.stream import Stream
from chassis.projections.row_store import document
from chassis.tenants import MERCHANT
from subscriptions.application import reactions
from subscriptions.domain.dunning import Policies
from subscriptions.domain.subscription.commands import Command
from subscriptions.domain.subscription.events import Event
from subscriptions.domain.subscription.subscription import Subscription

Outcome = Received[InvoicePaid] | Received[InvoicePaymentFailed] | Received[InvoiceVoided]


def consumer(aggregate: Aggregate[Command, Event, Subscription]) -> Consumer:
    async def paid(received: Received[InvoicePaid], unit: UnitOfWork) -> None:
        await unit.decide(aggregate, received.data.subscription_id, reactions.paid(received), cause=received)

    async def failed(received: Received[InvoicePaymentFailed], unit: UnitOfWork) -> None:
        command = reactions.failed(received, await policies(unit, received.envelope.merchantid))
        await unit.decide(aggregate, received.data.subscription_id, command, cause=received)

    async def waived(received: Received[InvoiceVoided], unit: UnitOfWork) -> None:
        if command := reactions.waived(received):
            await unit.decide(aggregate, received.data.subscription_id, command, cause=received)

    async def policies(unit: UnitOfWork, merchant_id: UUID) -> Policies:
        merchant = await document(unit.connection, MERCHANT, merchant_id, f"{MERCHANT}-{merchant_id}")
        return reactions.policies(merchant.doc) if merchant else Policies()

    def streams(received: Outcome) -> list[Stream]:
        return [aggregate.stream(received.envelope.merchantid, received.data.subscription_id)]

    return Consumer(
        group="subscriptions.renewals",
        topics=(InvoicePaid.topic(),),
        decode=data_of,
        reactions={InvoicePaid.TYPE: paid, InvoicePaymentFailed.TYPE: failed, InvoiceVoided.TYPE: waived},
        streams_to_load=dict.fromkeys((InvoicePaid.TYPE, InvoicePaymentFailed.TYPE, InvoiceVoided.TYPE), streams),
    )
