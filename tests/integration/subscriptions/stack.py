"""The complete service on a real database, with its workers and the events of invoicing and payments."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4, uuid5

import asyncpg
from httpx import ASGITransport, AsyncClient
from joserfc.jwk import OKPKey

import subscriptions
from billing_contracts.envelope import Envelope, EventData
from billing_contracts.invoicing import InvoicePaid, InvoicePaymentFailed
from billing_contracts.money import Money
from billing_contracts.shapes import Period
from billing_contracts.subscriptions import SubscriptionRenewalDue, SubscriptionRetryDue
from chassis.consumers.batch_processor import BatchProcessor
from chassis.consumers.consumer import Consumer
from chassis.decoding import Record
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.http.authentication import Authenticator
from chassis.http.idempotency import idempotency_in
from chassis.http.service_tokens import Signer, Verifier
from chassis.outbox.cursor import Position, read_page
from chassis.postgres.migrate import CHASSIS, migrate
from chassis.postgres.pool import create_pool
from chassis.runtime.health import Health
from chassis.service.service import Resources, Service
from chassis.tenants import Tenants
from subscriptions.composition import compose
from subscriptions.settings import Settings
from support.databases import ServiceDatabase

OPERATOR = "operator-key-for-tests"
GATEWAY = OKPKey.generate_key("Ed25519", {"kid": "portal-gateway"})
PAYMENTS = OKPKey.generate_key("Ed25519", {"kid": "payments"})
OWN = OKPKey.generate_key("Ed25519", {"kid": "subscriptions"})


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
    _position: Position = field(default=Position(0, 0, 0))
    _due: dict[UUID, SubscriptionRenewalDue] = field(default_factory=dict)
    _attempts: dict[UUID, int] = field(default_factory=dict)

    def obey(self) -> None:
        """Every charge succeeds at once."""
        self.verdict, self.held = (lambda *_: None), False

    def merchant(self, key: str) -> AsyncClient:
        return self.client(key)

    def customer(self, merchant_id: str, customer_id: str) -> AsyncClient:
        signer = Signer("portal-gateway", json.dumps(GATEWAY.as_dict(private=True)))
        token = signer.token("subscriptions", merchant_id=UUID(merchant_id), customer_id=UUID(customer_id), session="s")
        return self.client(token)

    def peer(self, key: OKPKey = GATEWAY) -> AsyncClient:
        """Another service."""
        return self.client(Signer(str(key.kid), json.dumps(key.as_dict(private=True))).token("subscriptions"))

    def client(self, credential: str) -> AsyncClient:
        headers = {"authorization": f"Bearer {credential}"}
        return AsyncClient(transport=ASGITransport(self.service.app), base_url="http://subscriptions", headers=headers)

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
        for told in page.messages:
            envelope = Envelope.model_validate_json(told.value or b"")
            if envelope.type == SubscriptionRenewalDue.TYPE:
                due = SubscriptionRenewalDue.model_validate(envelope.data)
                self._due[subscription_of(envelope)] = due
                self._attempts[subscription_of(envelope)] = 0
                records.append(self._outcome(envelope, due, due))
            elif envelope.type == SubscriptionRetryDue.TYPE:
                retry = SubscriptionRetryDue.model_validate(envelope.data)
                records.append(self._outcome(envelope, self._due[subscription_of(envelope)], retry))
        if records:
            await deliver(self.service.consumers[0], self.pool, records)
        return len(records)

    def _outcome(
        self, cause: Envelope, due: SubscriptionRenewalDue, asked: SubscriptionRenewalDue | SubscriptionRetryDue
    ) -> Record:
        id = subscription_of(cause)
        self._attempts[id] += 1
        amount = Money(amount_minor=due.plan.price.amount_minor * due.quantity, currency=due.plan.price.currency)
        why = self.verdict(id, asked)
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
    return message(cause.merchantid, f"invoice-{invoice_of(data.subscription_id, data.period)}", data, at or cause.time)


def message(merchant_id: UUID, subject: str, data: EventData, at: datetime) -> Record:
    envelope = Envelope(
        id=uuid4(),
        source="/billing/invoicing",
        type=data.TYPE,
        subject=subject,
        time=at,
        recordedtime=datetime.now(UTC),
        sequence=1,
        merchantid=merchant_id,
        correlationid=uuid4(),
        data=data.model_dump(mode="json"),
    )
    return Record(data.topic(), 0, 0, envelope.key(), envelope.value())


async def deliver(consumer: Consumer, pool: asyncpg.Pool, records: Sequence[Any]) -> None:
    async def settle(*_: object) -> None:
        """Offsets are the chassis' business."""

    await BatchProcessor(consumer, pool, asyncio.Event()).handle(records, settle)


@asynccontextmanager
async def running(database: ServiceDatabase, **settings: Any) -> AsyncIterator[Stack]:
    """The service with its worker for test clocks, and charges that end at once."""
    async with AsyncExitStack() as closing:
        owner = await asyncpg.connect(database.owner_url)
        migrations = Path(subscriptions.__file__ or "").parent / "migrations"
        role = await role_of(database)
        await migrate(owner, {"chassis": CHASSIS, "subscriptions": migrations}, role)
        await owner.close()
        pool = await closing.enter_async_context(create_pool(database.url, name="test", min_size=1, max_size=10))
        store = await closing.enter_async_context(PostgresEventStore(pool))
        stop = asyncio.Event()
        service = compose(resources(database, pool, store, closing, stop, settings))
        http = await closing.enter_async_context(AsyncClient(transport=ASGITransport(service.app), base_url="http://s"))
        stack = Stack(pool, http, service, stop)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stack.keep_charging())
            tasks.create_task(work(service, stop))
            try:
                yield stack
            finally:
                stop.set()


async def work(service: Service, stop: asyncio.Event) -> None:
    await service.workers["test-clock"](stop)


async def role_of(database: ServiceDatabase) -> str:
    connection = await asyncpg.connect(database.url)
    try:
        return str(await connection.fetchval("SELECT current_user"))
    finally:
        await connection.close()


def resources(
    database: ServiceDatabase,
    pool: asyncpg.Pool,
    store: PostgresEventStore,
    closing: AsyncExitStack,
    stop: asyncio.Event,
    changed: dict[str, Any],
) -> Resources:
    public = json.dumps({"keys": [key.as_dict(private=False) for key in (GATEWAY, PAYMENTS, OWN)]})
    settings = Settings(
        **{
            "database_url": database.url,
            "kafka_bootstrap_servers": "none:1",
            "http_port": 1,
            "environment": "local",
            "service_private_key": json.dumps(OWN.as_dict(private=True)),
            "service_public_keys": public,
            "operator_key_sha256": hashlib.sha256(OPERATOR.encode()).hexdigest(),
            "cursor_key": "a cursor key that is used in tests only",
            "tenants_service": "subscriptions",
            "tenants_url": "http://none",
            **changed,
        }
    )
    tenants = Tenants(pool, None)
    authenticator = Authenticator(tenants, Verifier("subscriptions", public), settings.operator_key_sha256)
    signer = Signer("subscriptions", settings.service_private_key.get_secret_value())
    return Resources(settings, pool, store, tenants, signer, authenticator, idempotency_in(pool), Health(), stop, closing)
