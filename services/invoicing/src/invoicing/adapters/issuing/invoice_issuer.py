"""Collects the invoicing work of a batch by merchant, and does it when the batch is committed."""

from collections.abc import Sequence
from uuid import UUID

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
    def __init__(self, aggregate: Aggregate[Command, Event, Invoice], encryption: BillToEncryption) -> None:
        self._aggregate, self._encryption = aggregate, encryption

    def stream(self, received: Due) -> list[Stream]:
        """The stream of the invoice for a renewal."""
        return [self._aggregate.stream(received.envelope.merchantid, invoice_of(received))]

    async def renewal_due(self, received: Due, batch: UnitOfWork) -> None:
        pending = self._pending(batch, received.envelope.merchantid)
        pending.steps.append(received)
        pending.read.add(invoice_of(received))

    async def cancelled(self, received: Cancelled, batch: UnitOfWork) -> None:
        merchant_id = received.envelope.merchantid
        self._pending(batch, merchant_id).steps.append(received)
        await self._read(batch, merchant_id, await unpaid_of(batch.connection, received))

    async def profile(self, received: Received[CustomerProfile], batch: UnitOfWork) -> None:
        merchant_id, customer_id = received.envelope.merchantid, subject_id(received.envelope)
        self._pending(batch, merchant_id).profiles[customer_id] = received.envelope.sequence, received.data
        await self._read(batch, merchant_id, list(await parked(batch.connection, merchant_id, [customer_id])))

    async def merchant(self, received: Received[MerchantConfigured], batch: UnitOfWork) -> None:
        merchant_id = received.envelope.merchantid
        self._pending(batch, merchant_id).merchant = received.data
        await self._read(batch, merchant_id, list(await parked(batch.connection, merchant_id, None)))

    async def erased(self, erased: Erased, batch: UnitOfWork) -> None:
        """A customer who is erased before an invoice is issued gets none: its buyer is unknown."""
        pending = self._pending(batch, erased.merchant_id)
        pending.profiles.pop(erased.id, None)
        pending.steps.append(erased)

    def _pending(self, batch: UnitOfWork, merchant_id: UUID) -> PendingWork:
        """The merchant's work in this batch, done when the batch is committed."""

        def merchants() -> dict[UUID, PendingWork]:
            pending: dict[UUID, PendingWork] = {}

            async def issue(connection: asyncpg.Connection) -> None:
                for id in sorted(pending):  # one order for all that lock several merchants, against deadlocks
                    await MerchantBatch(self._aggregate, self._encryption, batch, connection, id, pending[id]).issue()

            batch.at_commit(issue)
            return pending

        return batch.group(self, merchants).setdefault(merchant_id, PendingWork())

    async def _read(self, batch: UnitOfWork, merchant_id: UUID, invoices: Sequence[UUID]) -> None:
        await batch.load_streams([self._aggregate.stream(merchant_id, id) for id in invoices])
        self._pending(batch, merchant_id).read.update(invoices)
