"""The complete service on a real database, with the events of subscriptions and payments."""

import asyncio
import base64
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from httpx import AsyncClient

import invoicing
from billing_contracts import payments, shapes
from billing_contracts.customers import CustomerProfile
from billing_contracts.envelope import Envelope, EventData, record_key
from billing_contracts.invoicing import invoice_id
from billing_contracts.money import Money
from billing_contracts.subscriptions import (
    ApiKey,
    Branding,
    LegalIdentity,
    MerchantConfigured,
    Status,
    SubscriptionCancelled,
    SubscriptionRenewalDue,
)
from chassis.decoding import Record
from chassis.http.server import listen, serve
from chassis.service.service import Service
from invoicing.composition import compose
from invoicing.settings import Settings
from support import service
from support.databases import ServiceDatabase
from support.service import client, common_settings, customer_token, deliver, record_of, service_key

GATEWAY, OWN = service_key("portal-gateway"), service_key("invoicing")
SUBSCRIPTION_OF_NOTES = uuid4()
VISA = shapes.Card(id=uuid4(), brand="visa", last4="4242", exp_month=12, exp_year=2025)
SLOW_LINE_BYTES = 65_536
PRICE = Money(amount_minor=2999, currency="USD")
PLAN = shapes.Plan(
    id=uuid4(),
    name="Premium Mensual",
    description="Suscripción mensual renovable",
    price=PRICE,
    interval=shapes.Interval(unit="month"),
)


def month(number: int) -> datetime:
    """The 14th at noon of the n-th month from January 2020."""
    return datetime(2020 + number // 12, number % 12 + 1, 14, 12, tzinfo=UTC)


def period(number: int) -> shapes.Period:
    return shapes.Period(start=month(number), end=month(number + 1))


@dataclass
class Shop:
    """A merchant, and what happens there: every method makes a record, and delivers nothing."""

    series: str = "TS"
    id: UUID = field(default_factory=uuid4)
    key: str = field(default_factory=lambda: "sk_test_" + base64.urlsafe_b64encode(uuid4().bytes * 2).decode()[:43])

    def record(self, subject: str, data: EventData, at: datetime, customer: UUID | None = None, sequence: int = 1) -> Record:
        return record_of(data, self.id, subject, at, customer, sequence)

    def configured(self, sequence: int = 1, **changes: Any) -> Record:
        digest = hashlib.sha256(self.key.encode()).hexdigest()
        merchant = MerchantConfigured(
            name="TechSolutions Inc.",
            legal=LegalIdentity(name="TechSolutions Inc.", address="Av. Reforma 123", tax_id="TSO010203AB4"),
            locale="es-MX",
            time_zone="America/Mexico_City",
            branding=Branding(colour="#285cc2"),
            invoice_series=self.series,
            api_keys=(ApiKey(id="key_1", sha256=digest),),
            sandbox=True,
        )
        return self.record(f"merchant-{self.id}", merchant.model_copy(update=changes), month(0), sequence=sequence)

    def profile(self, customer: UUID, revision: int = 1, **changes: Any) -> Record:
        ana = CustomerProfile(name="Ana García", email="ana@example.com", locale="es-ES", address="Calle Mayor 1\nMadrid")
        return self.record(f"customer-{customer}", ana.model_copy(update=changes), month(0), customer, revision)

    def erased(self, customer: UUID) -> Record:
        return Record("billing.customers", 0, 0, record_key(self.id, f"customer-{customer}"), None)

    def due(self, subscription: UUID, customer: UUID, number: int = 0, revision: int = 1, **changes: Any) -> Record:
        data = SubscriptionRenewalDue(
            status=Status.ACTIVE, plan=PLAN, period=period(number), period_number=number + 1, customer_revision=revision
        )
        return self.record(f"subscription-{subscription}", data.model_copy(update=changes), month(number), customer, number + 2)

    def cancelled(self, subscription: UUID, customer: UUID, at: datetime, **changes: Any) -> Record:
        data = SubscriptionCancelled(status=Status.CANCELED, effective_at=at, cause="customer")
        return self.record(f"subscription-{subscription}", data.model_copy(update=changes), at, customer, 90)

    def succeeded(self, subscription: UUID, customer: UUID, number: int = 0, **changes: Any) -> Record:
        return self._charge(payments.PaymentSucceeded, subscription, customer, number, {"reference": "ch_1", **changes})

    def failed(self, subscription: UUID, customer: UUID, number: int = 0, **changes: Any) -> Record:
        outcome = {"code": "insufficient_funds", "retryable": True, **changes}
        return self._charge(payments.PaymentFailed, subscription, customer, number, outcome)

    def refunded(self, subscription: UUID, customer: UUID, number: int = 0) -> Record:
        outcome = {"reason": "invoice_voided", "reference": "re_1"}
        return self._charge(payments.PaymentRefunded, subscription, customer, number, outcome)

    def refund_of(
        self,
        note: dict[str, Any],
        customer: UUID,
        number: int = 0,
        *,
        sequence: int = 2,
        code: str | None = None,
        made_before: bool = False,
    ) -> Record:
        """Payments has made the refund of a credit note, or it has failed with the code, also after it was made."""
        back = Money(amount_minor=-note["total"]["amount_minor"], currency=note["total"]["currency"])
        facts: dict[str, Any] = {"refund_id": note["id"], "amount": back, "reference": "re_1"}
        kind = payments.PaymentRefundFailed if code else payments.PaymentRefunded
        failed = {"reason": "credit_note", "code": code, "made_before": made_before}
        more = failed if code else {"reason": "invoice_voided", "detail": "credit_note"}
        return self._charge(kind, SUBSCRIPTION_OF_NOTES, customer, number, facts | more, note["invoice_id"], sequence)

    def dispute_closed(self, subscription: UUID, customer: UUID, number: int = 0, **changes: Any) -> Record:
        """A bank has decided on a dispute. By default it has returned the money."""
        outcome = {"dispute_id": uuid4(), "reason": "fraudulent", "reference": "dp_1", "outcome": "lost", "returned": True}
        return self._charge(payments.PaymentDisputeClosed, subscription, customer, number, outcome | changes, sequence=2)

    def _charge(
        self,
        kind: type[payments.PaymentEvent],
        subscription: UUID,
        customer: UUID,
        number: int,
        outcome: dict[str, Any],
        invoice: UUID | str | None = None,
        sequence: int = 1,
    ) -> Record:
        invoice = invoice or invoice_id(subscription, period(number))
        facts = {"invoice_id": invoice, "subscription_id": subscription, "charge_id": uuid4(), "attempt": 1, "amount": PRICE}
        data = kind.model_validate({**facts, "payment_method": VISA, **outcome})
        return self.record(f"payment-{invoice}", data, month(number), customer, sequence)


@dataclass
class Stack:
    database: ServiceDatabase
    pool: asyncpg.Pool
    service: Service

    async def deliver(self, *records: Record) -> None:
        await deliver(self.service.consumers[0], self.pool, *records)

    def merchant(self, shop: Shop) -> AsyncClient:
        return self.client(shop.key)

    def customer(self, shop: Shop, customer: UUID) -> AsyncClient:
        return self.client(customer_token("invoicing", shop.id, customer))

    def client(self, credential: str) -> AsyncClient:
        return client(self.service.app, credential)

    async def rows(self, shop: Shop, sql: str) -> list[tuple[Any, ...]]:
        """`sql` names the merchant as $1."""
        return [tuple(row) for row in await self.pool.fetch(sql, shop.id)]

    async def count(self, shop: Shop, table: str) -> int:
        ((count,),) = await self.rows(shop, f"SELECT count(*) FROM {table} WHERE merchant_id = $1")
        return int(count)

    async def announced(self, shop: Shop) -> list[Envelope]:
        rows = await self.pool.fetch("SELECT value FROM events WHERE merchant_id = $1 ORDER BY position", shop.id)
        return [Envelope.model_validate_json(row["value"]) for row in rows]

    async def numbers(self, shop: Shop) -> list[tuple[str, str]]:
        """(number, day of issue) of every invoice, by number."""
        issued = [it.data for it in await self.announced(shop) if it.type.split(".")[2] == "InvoiceIssued"]
        return sorted((data["number"], data["issued_on"]) for data in issued)


@asynccontextmanager
async def running(database: ServiceDatabase) -> AsyncIterator[Stack]:
    own = {"key_encryption_key": base64.b64encode(bytes(range(32))).decode()}
    settings = Settings.model_validate(common_settings(database, "invoicing", "portal-gateway") | own)
    async with service.resources(database, "invoicing", invoicing, settings) as resources:
        yield Stack(database, resources.pool, compose(resources))


@asynccontextmanager
async def served(stack: Stack) -> AsyncIterator[str]:
    """The service over HTTP: its URL. A response waits for its reader, as on a slow connection."""
    server, listening = serve(stack.service.app, grace_seconds=1), listen("127.0.0.1", 0)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SLOW_LINE_BYTES)
    task = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
