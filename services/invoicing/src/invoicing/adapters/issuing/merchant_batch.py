"""What one batch does to one merchant's invoices, once the merchant is locked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from billing_contracts.customers import CustomerProfile
from billing_contracts.subscriptions import MerchantConfigured, SubscriptionCancelled
from chassis.consumers import Erased, Received, UnitOfWork
from chassis.eventsourcing.aggregate import Aggregate
from chassis.projections.row_store import document, documents_of
from chassis.tenants import MERCHANT
from invoicing.adapters.issuing import number_series, parked_renewals
from invoicing.adapters.issuing.parked_renewals import Due, customer_of, invoice_of, subject_id
from invoicing.application import reactions
from invoicing.application.ports import BillToEncryption
from invoicing.domain.invoice.commands import Command
from invoicing.domain.invoice.events import Event
from invoicing.domain.invoice.invoice import Invoice
from invoicing.domain.numbering import Counter

CUSTOMER = "customer"
"""The projection of profiles."""

Cancelled = Received[SubscriptionCancelled]


@dataclass
class PendingWork:
    """What the records of a batch want of a merchant, in their order."""

    steps: list[Received[Any] | Erased] = field(default_factory=list)
    """Renewals to invoice, subscriptions to close, customers to forget."""
    profiles: dict[UUID, tuple[int, CustomerProfile]] = field(default_factory=dict)
    """Those that came in the batch, with their revisions: their rows are written after this."""
    merchant: MerchantConfigured | None = None
    """When it came in the batch."""
    read: set[UUID] = field(default_factory=set)
    """Invoices whose streams have been read."""


@dataclass
class MerchantBatch:
    aggregate: Aggregate[Command, Event, Invoice]
    vault: BillToEncryption
    batch: UnitOfWork
    connection: asyncpg.Connection
    merchant_id: UUID
    wanted: PendingWork
    pending: dict[UUID, Due] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)

    async def take(self) -> None:
        await number_series.lock(self.connection, self.merchant_id)
        customers = None if self.wanted.merchant else list(self.wanted.profiles)
        waiting = await parked_renewals.parked(self.connection, self.merchant_id, customers)
        self.pending = dict(waiting)
        for step in self.wanted.steps:
            await self._step(step)
        merchant = await self._merchant() if self.pending else None
        buyers = await self._buyers() if merchant else {}
        for invoice_id, due in self.pending.items():
            if invoice_id not in buyers and invoice_id not in waiting:
                await parked_renewals.park(self.connection, due)
        if merchant and buyers:
            await self._issue(merchant, buyers)
        for counter in self.counters.values():
            await number_series.keep(self.connection, self.merchant_id, counter)

    async def _step(self, step: Received[Any] | Erased) -> None:
        if isinstance(step, Erased):
            self.pending = {id: due for id, due in self.pending.items() if customer_of(due) != step.id}
            await parked_renewals.forget_customer(self.connection, self.merchant_id, step.id)
        elif isinstance(step.data, SubscriptionCancelled):
            await self._close(step)
        else:
            self.pending[invoice_of(step)] = step

    async def _close(self, cancelled: Cancelled) -> None:
        """Voids what is open, when the merchant so decided; what was not issued yet never will be."""
        command = reactions.void(cancelled.data, cancelled.envelope.time)
        if command is None:
            return
        subscription_id = subject_id(cancelled.envelope)
        self.pending = {id: due for id, due in self.pending.items() if subject_id(due.envelope) != subscription_id}
        await parked_renewals.forget_subscription(self.connection, self.merchant_id, subscription_id)
        for invoice_id in await unpaid_of(self.connection, cancelled):
            self._must_be_read(invoice_id)
            await self.batch.decide(self.aggregate, invoice_id, command, cause=cancelled)

    async def _issue(self, merchant: MerchantConfigured, buyers: Mapping[UUID, CustomerProfile]) -> None:
        """Makes out what is pending to these buyers, by invoice; not what was issued before."""
        for invoice_id in buyers:
            self._must_be_read(invoice_id)
        await parked_renewals.unpark(self.connection, self.merchant_id, buyers)
        new = {id: self.pending[id] for id in buyers if not (await self.batch.state(self.aggregate, self.merchant_id, id))[0]}
        keys = await self.vault.keys(self.connection, self.merchant_id, {customer_of(due) for due in new.values()})
        for invoice_id, due in new.items():
            await self._make_out(invoice_id, due, merchant, buyers[invoice_id], keys[customer_of(due)])

    async def _make_out(
        self, invoice_id: UUID, due: Due, merchant: MerchantConfigured, buyer: CustomerProfile, key: bytes
    ) -> None:
        name, at, customer_id = merchant.invoice_series, due.envelope.time, customer_of(due)
        if name not in self.counters:
            self.counters[name] = await number_series.counter(self.connection, self.merchant_id, name)
        place, after = reactions.place_of(self.counters[name], merchant, at)
        sealed = self.vault.seal(key, self.merchant_id, customer_id, invoice_id, reactions.bill_to(buyer))
        command = reactions.issue(
            due.data,
            subscription_id=subject_id(due.envelope),
            customer_id=customer_id,
            merchant=merchant,
            customer_locale=buyer.locale,
            place=place,
            bill_to_sha256=sealed.sha256,
            at=at,
        )
        if await self.batch.decide(self.aggregate, invoice_id, command, cause=due, statements=lambda _: [sealed.keep]):
            self.counters[name] = after

    async def _merchant(self) -> MerchantConfigured | None:
        if self.wanted.merchant:
            return self.wanted.merchant
        found = await document(self.connection, MERCHANT, self.merchant_id, f"{MERCHANT}-{self.merchant_id}")
        return MerchantConfigured.model_validate(found.doc) if found else None

    async def _buyers(self) -> dict[UUID, CustomerProfile]:
        """The profile to make each pending invoice out to: the customer's, when it is that of the renewal's revision or a later
        one.
        """
        known = dict(self.wanted.profiles)
        missing = {f"{CUSTOMER}-{id}": id for due in self.pending.values() if (id := customer_of(due)) not in known}
        for aggregate, found in (await documents_of(self.connection, CUSTOMER, self.merchant_id, missing)).items():
            known[missing[aggregate]] = found.sequence, CustomerProfile.model_validate(found.doc)
        buyers = {}
        for invoice_id, due in self.pending.items():
            revision, profile = known.get(customer_of(due), (0, None))
            if profile and revision >= due.data.customer_revision:
                buyers[invoice_id] = profile
        return buyers

    def _must_be_read(self, invoice_id: UUID) -> None:
        """Raises what makes the batch start over, when the invoice was parked or issued since the streams were read."""
        if invoice_id not in self.wanted.read:
            raise asyncpg.SerializationError(f"invoice {invoice_id} came up while the merchant was waited for")


async def unpaid_of(connection: asyncpg.Connection, cancelled: Cancelled) -> list[UUID]:
    """The invoices that the subscription leaves unpaid, oldest first; payments of which it had not heard do not count."""
    subscription_id = subject_id(cancelled.envelope)
    sql = """
        SELECT id FROM invoices WHERE merchant_id = $1 AND subscription_id = $2 AND (status = 'open' OR id = $3)
        ORDER BY period_start
    """
    unpaid = reactions.left_unpaid(cancelled.data, subscription_id)
    return [row["id"] for row in await connection.fetch(sql, cancelled.envelope.merchantid, subscription_id, unpaid)]
