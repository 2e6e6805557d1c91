"""The work of one batch on one merchant's invoices, under the merchant's lock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from billing_contracts.customers import CustomerProfile
from billing_contracts.subscriptions import MerchantConfigured, SubscriptionCancelled
from chassis.consumers import Erased, Received, StaleRead, UnitOfWork
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
"""Name of the projection of profiles."""

Cancelled = Received[SubscriptionCancelled]


@dataclass
class PendingWork:
    """The work of a batch for one merchant, in the order of its records."""

    steps: list[Received[Any] | Erased] = field(default_factory=list)
    """Renewals to invoice, subscriptions that were cancelled, customers that were erased."""
    profiles: dict[UUID, tuple[int, CustomerProfile]] = field(default_factory=dict)
    """Profiles in the batch, with their revisions. Their projected rows are written after this work."""
    merchant: MerchantConfigured | None = None
    """The merchant's settings, if they are in the batch."""
    read: set[UUID] = field(default_factory=set)
    """Invoices with a stream that has been read."""


@dataclass
class MerchantBatch:
    aggregate: Aggregate[Command, Event, Invoice]
    encryption: BillToEncryption
    unit: UnitOfWork
    connection: asyncpg.Connection
    merchant_id: UUID
    work: PendingWork
    pending: dict[UUID, Due] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)

    async def issue(self) -> None:
        await number_series.lock(self.connection, self.merchant_id)
        customers = None if self.work.merchant else list(self.work.profiles)
        waiting = await parked_renewals.parked(self.connection, self.merchant_id, customers)
        self.pending = dict(waiting)
        for step in self.work.steps:
            await self._step(step)
        merchant = await self._merchant() if self.pending else None
        buyers = await self._buyers() if merchant else {}
        for invoice_id, due in self.pending.items():
            if invoice_id not in buyers and invoice_id not in waiting:
                await parked_renewals.park(self.connection, due)
        if merchant and buyers:
            await self._issue(merchant, buyers)
        for counter in self.counters.values():
            await number_series.store(self.connection, self.merchant_id, counter)

    async def _step(self, step: Received[Any] | Erased) -> None:
        if isinstance(step, Erased):
            self.pending = {id: due for id, due in self.pending.items() if customer_of(due) != step.id}
            await parked_renewals.forget_customer(self.connection, self.merchant_id, step.id)
        elif isinstance(step.data, SubscriptionCancelled):
            await self._void(step)
        else:
            self.pending[invoice_of(step)] = step

    async def _void(self, cancelled: Cancelled) -> None:
        """Void open invoices if the merchant's policy requires it. Renewals that were not invoiced yet are dropped."""
        command = reactions.void(cancelled.data, cancelled.envelope.time)
        if command is None:
            return
        subscription_id = subject_id(cancelled.envelope)
        self.pending = {id: due for id, due in self.pending.items() if subject_id(due.envelope) != subscription_id}
        await parked_renewals.forget_subscription(self.connection, self.merchant_id, subscription_id)
        for invoice_id in await unpaid_of(self.connection, cancelled):
            self._require_read(invoice_id)
            await self.unit.decide(self.aggregate, invoice_id, command, cause=cancelled)

    async def _issue(self, merchant: MerchantConfigured, buyers: Mapping[UUID, CustomerProfile]) -> None:
        """Issue the pending invoices of these buyers, except those that have been issued before."""
        for invoice_id in buyers:
            self._require_read(invoice_id)
        await parked_renewals.unpark(self.connection, self.merchant_id, buyers)
        new = {id: self.pending[id] for id in buyers if not (await self.unit.state(self.aggregate, self.merchant_id, id))[0]}
        keys = await self.encryption.keys(self.connection, self.merchant_id, {customer_of(due) for due in new.values()})
        for invoice_id, due in new.items():
            await self._issue_one(invoice_id, due, merchant, buyers[invoice_id], keys[customer_of(due)])

    async def _issue_one(
        self, invoice_id: UUID, due: Due, merchant: MerchantConfigured, buyer: CustomerProfile, key: bytes
    ) -> None:
        series, at, customer_id = merchant.invoice_series, due.envelope.time, customer_of(due)
        if series not in self.counters:
            self.counters[series] = await number_series.counter(self.connection, self.merchant_id, series)
        series_number, next_counter = reactions.next_number(self.counters[series], merchant, at)
        sealed = self.encryption.seal(key, self.merchant_id, customer_id, invoice_id, reactions.bill_to(buyer))
        command = reactions.issue(
            due.data,
            subscription_id=subject_id(due.envelope),
            customer_id=customer_id,
            merchant=merchant,
            customer_locale=buyer.locale,
            series_number=series_number,
            bill_to_sha256=sealed.sha256,
            at=at,
        )
        if await self.unit.decide(self.aggregate, invoice_id, command, cause=due, statements=lambda _: [sealed.row]):
            self.counters[series] = next_counter

    async def _merchant(self) -> MerchantConfigured | None:
        if self.work.merchant:
            return self.work.merchant
        projected = await document(self.connection, MERCHANT, self.merchant_id, f"{MERCHANT}-{self.merchant_id}")
        return MerchantConfigured.model_validate(projected.doc) if projected else None

    async def _buyers(self) -> dict[UUID, CustomerProfile]:
        """The buyer of each pending invoice: the customer's profile in the renewal's revision or a later one."""
        known = dict(self.work.profiles)
        missing = {f"{CUSTOMER}-{id}": id for due in self.pending.values() if (id := customer_of(due)) not in known}
        for aggregate, projected in (await documents_of(self.connection, CUSTOMER, self.merchant_id, missing)).items():
            known[missing[aggregate]] = projected.sequence, CustomerProfile.model_validate(projected.doc)
        buyers = {}
        for invoice_id, due in self.pending.items():
            revision, profile = known.get(customer_of(due), (0, None))
            if profile and revision >= due.data.customer_revision:
                buyers[invoice_id] = profile
        return buyers

    def _require_read(self, invoice_id: UUID) -> None:
        """Raises StaleRead for an invoice that was parked or issued after the streams had been read."""
        if invoice_id not in self.work.read:
            raise StaleRead(f"invoice {invoice_id} appeared while the merchant's lock was awaited")


async def unpaid_of(connection: asyncpg.Connection, cancelled: Cancelled) -> list[UUID]:
    """The invoices that the subscription leaves unpaid, oldest first. A payment that it had not received does not count."""
    subscription_id = subject_id(cancelled.envelope)
    sql = """
        SELECT id FROM invoices WHERE merchant_id = $1 AND subscription_id = $2 AND (status = 'open' OR id = $3)
        ORDER BY period_start
    """
    unpaid = reactions.left_unpaid(cancelled.data, subscription_id)
    return [row["id"] for row in await connection.fetch(sql, cancelled.envelope.merchantid, subscription_id, unpaid)]
