"""The complete service on a real database, with its workers and the events of invoicing and payments."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4, uuid5

import asyncpg
from httpx import ASGITransport, AsyncClient
from joserfc.jwk import OKPKey

import subscriptions
from billing_contracts.envelope import Envelope
from billing_contracts.invoicing import InvoicePaid, InvoicePaymentFailed
from billing_contracts.money import Money
from billing_contracts.shapes import Period
from billing_contracts.subscriptions import SubscriptionRenewalDue, SubscriptionRetryDue
from chassis.decoding import Record
from chassis.outbox.cursor import RelayPosition, read_page
from chassis.service.service import Service
from subscriptions.composition import compose
from subscriptions.settings import Settings
from support import service
from support.databases import ServiceDatabase
from support.service import client, common_settings, customer_token, deliver, record_of, service_key, signer_of

GATEWAY, PAYMENTS, OWN = (service_key(name) for name in ("portal-gateway", "payments", "subscriptions"))


@dataclass
class Stack:
    pool: asyncpg.Pool
    http: AsyncClient
    service: Service
    stop: asyncio.Event
    verdict: Callable[[UUID, SubscriptionRenewalDue | SubscriptionRetryDue], str | None] = lambda *_: None
    """Why the charge of a period fails; None: it is paid."""
    held: bool = False
    """Whether charges hang."""
    _position: RelayPosition = field(default=RelayPosition(0, 0, 0))
    _due: dict[UUID, SubscriptionRenewalDue] = field(default_factory=dict)
    _attempts: dict[UUID, int] = field(default_factory=dict)

    def obey(self) -> None:
        """Every charge succeeds at once."""
        self.verdict, self.held = (lambda *_: None), False

    def merchant(self, key: str) -> AsyncClient:
        return self.client(key)

    def customer(self, merchant_id: str, customer_id: str) -> AsyncClient:
        return self.client(customer_token("subscriptions", UUID(merchant_id), UUID(customer_id)))

    def peer(self, key: OKPKey = GATEWAY) -> AsyncClient:
        """Another service."""
        return self.client(signer_of(key).token("subscriptions"))

    def client(self, credential: str) -> AsyncClient:
        return client(self.service.app, credential)

    async def written(self, merchant_id: str) -> str:
        """All that the merchant's events say, privately and publicly."""
        sql = "SELECT string_agg(body::text || convert_from(value, 'UTF8'), ' ') FROM events WHERE merchant_id = $1"
        return str(await self.pool.fetchval(sql, UUID(merchant_id)))

    async def comments(self, merchant_id: str) -> list[str]:
        rows = await self.pool.fetch("SELECT comment FROM cancellation_comments WHERE merchant_id = $1", UUID(merchant_id))
        return [row["comment"] for row in rows]

    async def charge(self) -> int:
        """Plays invoicing and payments once: every period or retry that is due gets its outcome."""
        if self.held:
            return 0
        async with self.pool.acquire() as connection:
            page = await read_page(cast(asyncpg.Connection, connection), self._position, 1000)
        self._position = page.last
        records = []
        for record in page.messages:
            envelope = Envelope.model_validate_json(record.value or b"")
            if envelope.type == SubscriptionRenewalDue.TYPE:
                due = SubscriptionRenewalDue.model_validate(envelope.data)
                self._due[subscription_of(envelope)] = due
                self._attempts[subscription_of(envelope)] = 0
                records.append(self._outcome(envelope, due, due))
            elif envelope.type == SubscriptionRetryDue.TYPE:
                retry = SubscriptionRetryDue.model_validate(envelope.data)
                records.append(self._outcome(envelope, self._due[subscription_of(envelope)], retry))
        if records:
            await deliver(self.service.consumers[0], self.pool, *records)
        return len(records)

    def _outcome(
        self, cause: Envelope, due: SubscriptionRenewalDue, request: SubscriptionRenewalDue | SubscriptionRetryDue
    ) -> Record:
        id = subscription_of(cause)
        self._attempts[id] += 1
        amount = Money(amount_minor=due.plan.price.amount_minor * due.quantity, currency=due.plan.price.currency)
        why = self.verdict(id, request)
        if why is None:
            return outcome(cause, paid(id, due.period, amount, cause.time))
        return outcome(cause, failed(id, due.period, amount, self._attempts[id], why))

    async def keep_charging(self) -> None:
        while not self.stop.is_set():
            if not await self.charge():
                await asyncio.sleep(0.005)


def subscription_of(envelope: Envelope) -> UUID:
    return UUID(envelope.subject.removeprefix("subscription-"))


def invoice_of(subscription_id: UUID, period: Period) -> UUID:
    return uuid5(subscription_id, period.start.isoformat())


def paid(subscription_id: UUID, period: Period, amount: Money, at: datetime) -> InvoicePaid:
    return InvoicePaid(subscription_id=subscription_id, period=period, amount=amount, paid_at=at, charge_id=uuid4())


def failed(subscription_id: UUID, period: Period, amount: Money, attempt: int, why: str) -> InvoicePaymentFailed:
    return InvoicePaymentFailed(
        subscription_id=subscription_id,
        period=period,
        amount=amount,
        charge_id=uuid4(),
        attempt=attempt,
        code=why,  # type: ignore[arg-type]
        retryable=why in ("insufficient_funds", "processing_error"),
    )


def outcome(cause: Envelope, data: InvoicePaid | InvoicePaymentFailed, at: datetime | None = None) -> Record:
    subject = f"invoice-{invoice_of(data.subscription_id, data.period)}"
    return record_of(data, cause.merchantid, subject, at or cause.time)


@asynccontextmanager
async def running(database: ServiceDatabase, **changed: Any) -> AsyncIterator[Stack]:
    """The service with its worker for test clocks, and charges that end at once."""
    environment = common_settings(database, "subscriptions", "portal-gateway", "payments")
    settings = Settings(**environment | changed)
    async with service.resources(database, "subscriptions", subscriptions, settings) as resources:
        composed = compose(resources)
        http = await resources.closing.enter_async_context(
            AsyncClient(transport=ASGITransport(composed.app), base_url="http://s")
        )
        stack = Stack(resources.pool, http, composed, resources.stopping)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stack.keep_charging())
            tasks.create_task(work(composed, resources.stopping))
            try:
                yield stack
            finally:
                resources.stopping.set()


async def work(service: Service, stop: asyncio.Event) -> None:
    await service.workers["test-clock"](stop)
