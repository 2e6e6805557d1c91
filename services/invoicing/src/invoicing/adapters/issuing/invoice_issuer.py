"""Gathers what the records of a batch want of each merchant's invoices, and has it done when the batch is committed."""

from collections.abc import Sequence
from uuid import UUID
from weakref import WeakKeyDictionary

import asyncpg

from billing_contracts.customers import CustomerProfile
from billing_contracts.subscriptions import MerchantConfigured
from chassis.consumers import Erased, Received, UnitOfWork
from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.stream import Stream
from invoicing.adapters.issuing.merchant_batch import Cancelled, MerchantBatch, PendingWork, unpaid_of
from invoicing.adapters.issuing.parked_renewals import Due, invoice_of, parked, subject_id
from invoicing.application.ports import BillToEncryption
from invoicing.domain.invoice.commands import Command
from invoicing.domain.invoice.events import Event
from invoicing.domain.invoice.invoice import Invoice


class PostgresInvoiceIssuer:
    def __init__(self, aggregate: Aggregate[Command, Event, Invoice], vault: BillToEncryption) -> None:
        self._aggregate, self._vault = aggregate, vault
        self._wanted: WeakKeyDictionary[UnitOfWork, dict[UUID, PendingWork]] = WeakKeyDictionary()

    def stream(self, received: Due) -> list[Stream]:
        """The stream of the invoice that a renewal leads to."""
        return [self._aggregate.stream(received.envelope.merchantid, invoice_of(received))]

    async def renewal_due(self, received: Due, batch: UnitOfWork) -> None:
        wanted = self._of(batch, received.envelope.merchantid)
        wanted.steps.append(received)
        wanted.read.add(invoice_of(received))

    async def cancelled(self, received: Cancelled, batch: UnitOfWork) -> None:
        merchant_id = received.envelope.merchantid
        wanted = self._of(batch, merchant_id)
        wanted.steps.append(received)
        await self._read(batch, merchant_id, await unpaid_of(batch.connection, received))

    async def profile(self, received: Received[CustomerProfile], batch: UnitOfWork) -> None:
        merchant_id, customer_id = received.envelope.merchantid, subject_id(received.envelope)
        wanted = self._of(batch, merchant_id)
        wanted.profiles[customer_id] = received.envelope.sequence, received.data
        await self._read(batch, merchant_id, list(await parked(batch.connection, merchant_id, [customer_id])))

    async def merchant(self, received: Received[MerchantConfigured], batch: UnitOfWork) -> None:
        merchant_id = received.envelope.merchantid
        self._of(batch, merchant_id).merchant = received.data
        await self._read(batch, merchant_id, list(await parked(batch.connection, merchant_id, None)))

    async def erased(self, erased: Erased, batch: UnitOfWork) -> None:
        """Whoever was erased before an invoice was made out gets none: nobody knows whom to make it out to."""
        wanted = self._of(batch, erased.merchant_id)
        wanted.profiles.pop(erased.id, None)
        wanted.steps.append(erased)

    def _of(self, batch: UnitOfWork, merchant_id: UUID) -> PendingWork:
        if batch not in self._wanted:
            merchants = self._wanted[batch] = {}

            async def settle(connection: asyncpg.Connection) -> None:
                for id in sorted(merchants):  # all who lock several merchants lock them in this order
                    await MerchantBatch(self._aggregate, self._vault, batch, connection, id, merchants[id]).take()

            batch.at_commit(settle)
        return self._wanted[batch].setdefault(merchant_id, PendingWork())

    async def _read(self, batch: UnitOfWork, merchant_id: UUID, invoices: Sequence[UUID]) -> None:
        await batch.load_streams([self._aggregate.stream(merchant_id, id) for id in invoices])
        self._of(batch, merchant_id).read.update(invoices)
