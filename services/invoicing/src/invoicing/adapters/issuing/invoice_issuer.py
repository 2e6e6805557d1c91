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

    async def renewal_due(self, received: Due, unit: UnitOfWork) -> None:
        pending = self._pending(unit, received.envelope.merchantid)
        pending.steps.append(received)
        pending.read.add(invoice_of(received))

    async def cancelled(self, received: Cancelled, unit: UnitOfWork) -> None:
        merchant_id = received.envelope.merchantid
        self._pending(unit, merchant_id).steps.append(received)
        await self._read(unit, merchant_id, await unpaid_of(unit.connection, received))

    async def profile(self, received: Received[CustomerProfile], unit: UnitOfWork) -> None:
        merchant_id, customer_id = received.envelope.merchantid, subject_id(received.envelope)
        self._pending(unit, merchant_id).profiles[customer_id] = received.envelope.sequence, received.data
        await self._read(unit, merchant_id, list(await parked(unit.connection, merchant_id, [customer_id])))

    async def merchant(self, received: Received[MerchantConfigured], unit: UnitOfWork) -> None:
        merchant_id = received.envelope.merchantid
        self._pending(unit, merchant_id).merchant = received.data
        await self._read(unit, merchant_id, list(await parked(unit.connection, merchant_id, None)))

    async def erased(self, erased: Erased, unit: UnitOfWork) -> None:
        """A customer who is erased before an invoice is issued gets none: its buyer is unknown."""
        pending = self._pending(unit, erased.merchant_id)
        pending.profiles.pop(erased.id, None)
        pending.steps.append(erased)

    def _pending(self, unit: UnitOfWork, merchant_id: UUID) -> PendingWork:
        """The merchant's work in this batch, done when the batch is committed."""

        def merchants() -> dict[UUID, PendingWork]:
            pending: dict[UUID, PendingWork] = {}

            async def issue(connection: asyncpg.Connection) -> None:
                for id in sorted(pending):  # one order for all that lock several merchants, against deadlocks
                    await MerchantBatch(self._aggregate, self._encryption, unit, connection, id, pending[id]).issue()

            unit.at_commit(issue)
            return pending

        return unit.group(self, merchants).setdefault(merchant_id, PendingWork())

    async def _read(self, unit: UnitOfWork, merchant_id: UUID, invoices: Sequence[UUID]) -> None:
        await unit.load_streams([self._aggregate.stream(merchant_id, id) for id in invoices])
        self._pending(unit, merchant_id).read.update(invoices)
