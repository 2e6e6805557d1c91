"""The complete service on a real database, with its workers and the events of other services."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

import payments
from billing_contracts.envelope import Envelope, EventData
from billing_contracts.invoicing import CreditNoteIssued, InvoiceIssued, InvoiceVoided
from billing_contracts.money import Money
from billing_contracts.shapes import Interval, Period, Plan
from billing_contracts.subscriptions import (
    ApiKey,
    LegalIdentity,
    MerchantConfigured,
    Status,
    SubscriptionCancelled,
    SubscriptionRetryDue,
    SubscriptionStarted,
)
from chassis.decoding import Record
from chassis.outbox.commit_signals import CommitSignals
from chassis.runtime.health import Health
from chassis.service.service import Service, Worker
from payments.composition import compose
from payments.settings import Settings
from support import service
from support.databases import ServiceDatabase
from support.service import (
    NO_SERVER,
    OPERATOR,
    MerchantByKey,
    client,
    common_settings,
    customer_token,
    deliver,
    record_of,
    service_key,
)

GATEWAY, OWN = service_key("portal-gateway"), service_key("payments")
PORTAL, CARDS = "http://127.0.0.1:8080", "http://localhost:8090"
KEY_ENCRYPTION_KEY = base64.b64encode(bytes(range(32))).decode()
NOW = datetime(2023, 5, 20, 12, tzinfo=UTC)
MAY = Period(start=datetime(2023, 5, 14, tzinfo=UTC), end=datetime(2023, 6, 14, tzinfo=UTC))
PRICE = Money(amount_minor=2999, currency="USD")
PLAN = Plan(id=uuid4(), name="Premium Mensual", description="Suscripción", price=PRICE, interval=Interval(unit="month"))
SELLER = LegalIdentity(name="TechSolutions Inc.", address="1 Main Street")


@dataclass
class Merchant:
    id: UUID = field(default_factory=uuid4)
    key: str = field(default_factory=lambda: f"sk_test_{uuid4().hex}{uuid4().hex[:11]}")


@dataclass
class Stack:
    database: ServiceDatabase
    pool: asyncpg.Pool
    service: Service
    stop: asyncio.Event
    health: Health
    commits: CommitSignals

    def client(self, credential: str) -> AsyncClient:
        return client(self.service.app, credential)

    def customer(self, merchant_id: UUID, customer_id: UUID, session: str = "session") -> AsyncClient:
        return self.client(customer_token("payments", merchant_id, customer_id, session))

    @property
    def card_page(self) -> FastAPI:
        return self.service.more_apps[0].app

    async def type_card(self, setup_id: str, number: str = "4242424242424242", cvc: str = "123") -> Response:
        async with AsyncClient(transport=ASGITransport(self.card_page), base_url=CARDS) as browser:
            body = {"number": number, "exp": "12/25", "cvc": cvc}
            return await browser.post(f"/cards/{setup_id}/token", json=body, headers={"sec-fetch-site": "same-origin"})

    async def misbehave(self, merchant: UUID, mode: str, seconds: float = 30) -> None:
        body = {"merchant_id": str(merchant), "mode": mode, "seconds": seconds}
        async with self.client(OPERATOR) as operator:
            assert (await operator.post("/sandbox/behaviour", json=body)).status_code == 204

    async def ledger(self, merchant: UUID) -> dict[str, list[dict[str, Any]]]:
        async with self.client(OPERATOR) as operator:
            body: dict[str, list[dict[str, Any]]] = (await operator.get(f"/sandbox/ledger?merchant_id={merchant}")).json()
            return body

    async def hear(self, merchant_id: UUID, subject: str, data: EventData, customer: UUID | None, sequence: int = 1) -> None:
        """An event of another service arrives."""
        await self.deliver(record_of(data, merchant_id, subject, NOW, customer, sequence))

    async def deliver(self, *records: Record) -> None:
        await deliver(self.service.consumers[0], self.pool, *records, commits=self.commits)

    async def event_names(self, stream: str) -> list[str]:
        """The names of what the stream announced."""
        rows = await self.pool.fetch("SELECT value FROM events WHERE stream = $1 ORDER BY version", stream)
        return [Envelope.model_validate_json(row["value"]).type.split(".")[2] for row in rows]

    async def until(self, holds: Callable[[], Awaitable[Any]], seconds: float = 15) -> None:
        """Waits for what must come true; fails when it does not."""
        async with asyncio.timeout(seconds):
            while not await holds():
                await asyncio.sleep(0.03)

    async def until_events(self, stream: str, *names: str) -> None:
        async def holds() -> bool:
            return await self.event_names(stream) == list(names)

        try:
            await self.until(holds)
        except TimeoutError:
            assert await self.event_names(stream) == list(names)


@dataclass
class Shop:
    """A merchant with a subscribed customer who has a good card."""

    stack: Stack
    merchant: Merchant
    http: AsyncClient
    ana: UUID = field(default_factory=uuid4)
    subscription: UUID = field(default_factory=uuid4)
    _invoices: int = 0

    async def add(self, token: str) -> dict[str, Any]:
        answer = await self.http.post(f"/v1/customers/{self.ana}/payment-methods", json={"token": token})
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def methods(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.http.get(f"/v1/customers/{self.ana}/payment-methods")).json()["items"]
        return items

    async def issue(self, period: Period = MAY) -> UUID:
        invoice = uuid4()
        self._invoices += 1
        zero = Money(amount_minor=0, currency="USD")
        data = InvoiceIssued(
            number=f"TS-{self._invoices:06}",
            issued_on=date(2023, 5, 14),
            subscription_id=self.subscription,
            plan=PLAN,
            period=period,
            period_number=1,
            lines=(),
            net_total=PRICE,
            tax_total=zero,
            total=PRICE,
            seller=SELLER,
        )
        await self.stack.hear(self.merchant.id, f"invoice-{invoice}", data, self.ana)
        return invoice

    async def void(self, invoice: UUID) -> None:
        data = InvoiceVoided(subscription_id=self.subscription, reason="subscription_cancelled")
        await self.stack.hear(self.merchant.id, f"invoice-{invoice}", data, self.ana, 2)

    async def credit(self, invoice: UUID, minor: int, note: UUID | None = None, sequence: int = 2) -> UUID:
        """Invoicing has issued a credit note for the paid invoice."""
        note, back = note or uuid4(), Money(amount_minor=-minor, currency="USD")
        data = CreditNoteIssued(
            credit_note_id=note,
            number="TS-NC-000001",
            issued_on=date(2023, 5, 20),
            invoice_number="TS-000001",
            invoice_issued_on=date(2023, 5, 14),
            subscription_id=self.subscription,
            charge_id=uuid4(),
            reason="customer_request",
            lines=(),
            net_total=back,
            tax_total=Money(amount_minor=0, currency="USD"),
            total=back,
        )
        await self.stack.hear(self.merchant.id, f"invoice-{invoice}", data, self.ana, sequence)
        return note

    async def refunds(self, invoice: UUID) -> list[tuple[int, str, str]]:
        """Amount, reason and status of each refund."""
        (charge,) = (await self.http.get(f"/v1/charges?invoice_id={invoice}")).json()["items"]
        return [(each["amount"]["amount_minor"], each["reason"], each["status"]) for each in charge["refunds"]]

    async def until_refunds(self, invoice: UUID, *expected: tuple[int, str, str]) -> None:
        async def holds() -> bool:
            return await self.refunds(invoice) == list(expected)

        try:
            await self.stack.until(holds)
        except TimeoutError:
            assert await self.refunds(invoice) == list(expected)

    async def retry(self, invoice: UUID, sequence: int = 2, *, last: bool = False) -> None:
        data = SubscriptionRetryDue(status=Status.PAST_DUE, invoice_id=invoice, retry_number=1, last=last)
        await self.stack.hear(self.merchant.id, f"subscription-{self.subscription}", data, self.ana, sequence)

    async def end(self, sequence: int = 2) -> None:
        data = SubscriptionCancelled(status=Status.CANCELED, effective_at=NOW, cause="customer")
        await self.stack.hear(self.merchant.id, f"subscription-{self.subscription}", data, self.ana, sequence)

    async def charges(self, invoice: UUID) -> list[tuple[int, str, str | None]]:
        items = (await self.http.get(f"/v1/charges?invoice_id={invoice}")).json()["items"]
        return [(item["attempt"], item["status"], item["code"]) for item in items]

    async def until_charges(self, invoice: UUID, *expected: tuple[int, str, str | None]) -> None:
        async def holds() -> bool:
            return await self.charges(invoice) == list(expected)

        try:
            await self.stack.until(holds)
        except TimeoutError:
            assert await self.charges(invoice) == list(expected)

    async def pay(self, invoice: UUID, key: str | None = None, **fields: Any) -> Response:
        """As the merchant's back end asks for it."""
        headers = {"idempotency-key": key} if key else {}
        return await self.http.post("/v1/charges", json={"invoice_id": str(invoice), **fields}, headers=headers)

    def portal(self, session: str = "session", customer: UUID | None = None) -> AsyncClient:
        return self.stack.customer(self.merchant.id, customer or self.ana, session)

    async def open_setup(self, session: str = "session") -> dict[str, Any]:
        body = {"locale": "es-MX", "colour": "#285cc2", "portal_origin": PORTAL}
        answer = await self.portal(session).post(f"/v1/customers/{self.ana}/setups", json=body)
        assert answer.status_code == 201, answer.text
        setup: dict[str, Any] = answer.json()
        return setup

    async def confirm(
        self, setup: str, token: str, *charge: UUID | str, key: str | None = None, session: str = "session"
    ) -> Response:
        body = {"setup_id": setup, "token": token, "charge_invoices": [str(each) for each in charge]}
        headers = {"idempotency-key": key} if key else {}
        return await self.portal(session).put(f"/v1/customers/{self.ana}/default-payment-method", json=body, headers=headers)

    async def change_card(self, number: str, *charge: UUID) -> Response:
        setup = (await self.open_setup())["setup_id"]
        token = (await self.stack.type_card(setup, number)).json()["token"]
        return await self.confirm(setup, token, *charge)


@asynccontextmanager
async def running(
    database: ServiceDatabase, stripe_url: str = f"http://{NO_SERVER}", workers: bool = True, **more: str
) -> AsyncIterator[Stack]:
    """The service, with a provider that is given a second to answer. `stripe_url`: a server that stands for Stripe."""
    own = {"cards_url": CARDS, "cards_http_port": 2, "portal_origin": PORTAL, "provider_seconds": 1.0, "first_check_seconds": 0.1}
    own |= {"key_encryption_key": KEY_ENCRYPTION_KEY, "stripe_api_url": stripe_url, **more}
    settings = Settings.model_validate(common_settings(database, "payments", "portal-gateway") | own)
    async with service.resources(database, "payments", payments, settings, merchant_by_key) as resources:
        composed = compose(resources)
        async with asyncio.TaskGroup() as tasks:
            for worker in composed.workers.values() if workers else ():
                tasks.create_task(working(worker, resources.stopping))
            try:
                yield Stack(database, resources.pool, composed, resources.stopping, resources.health, resources.commits)
            finally:
                resources.stopping.set()


def merchant_by_key(pool: asyncpg.Pool) -> MerchantByKey:
    """The owner of merchants knows those that this service has received."""

    async def documents(sha256: str) -> dict[str, Any] | None:
        for row in await pool.fetch("SELECT merchant_id, doc::text FROM projection WHERE name = 'merchant'"):
            doc: dict[str, Any] = json.loads(row["doc"])
            if any(key["sha256"] == sha256 for key in doc["api_keys"]):
                return doc | {"id": str(row["merchant_id"])}
        return None

    return documents


async def working(worker: Worker, stop: asyncio.Event) -> None:
    await worker(stop)


async def opened(stack: Stack, *, test_clock: bool = True, sandbox: bool = True) -> Shop:
    merchant = Merchant() if sandbox else Merchant(key=f"sk_live_{uuid4().hex}{uuid4().hex[:11]}")
    offset = (NOW - datetime.now(UTC)) / timedelta(seconds=1) if test_clock else 0
    configured = MerchantConfigured(
        name="TechSolutions Inc.",
        legal=SELLER,
        locale="es-MX",
        time_zone="America/Mexico_City",
        invoice_series="TS",
        api_keys=(ApiKey(id="key", sha256=hashlib.sha256(merchant.key.encode()).hexdigest()),),
        sandbox=sandbox,
        clock_offset_seconds=offset,
    )
    await stack.hear(merchant.id, f"merchant-{merchant.id}", configured, None)
    shop = Shop(stack, merchant, stack.client(merchant.key))
    started = SubscriptionStarted(status=Status.INCOMPLETE, plan=PLAN, started_at=MAY.start, period=MAY)
    await stack.hear(merchant.id, f"subscription-{shop.subscription}", started, shop.ana)
    return shop
