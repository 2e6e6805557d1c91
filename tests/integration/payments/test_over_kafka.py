"""The service in a separate process, with real topics."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from integration.payments.stack import GATEWAY, MAY, OWN, PLAN, PRICE, SELLER

from billing_contracts.envelope import Envelope, EventData
from billing_contracts.invoicing import InvoiceIssued
from billing_contracts.money import Money
from billing_contracts.payments import PaymentFailed
from billing_contracts.registry import TOPICS
from billing_contracts.subscriptions import MerchantConfigured
from chassis.kafka_access import KafkaAccess
from portalctl import topics
from support.databases import ServiceDatabase
from support.http_client import http_client
from support.ports import free_port
from support.processes import exit_code, process, python
from support.raw_http import answer_to


@asynccontextmanager
async def payments(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    assert await exit_code(*python("-m", "payments", "migrate"), env=environment) == 0
    async with process(*python("-m", "payments"), env=environment) as running:
        yield running


@pytest.fixture
def environment(database: ServiceDatabase, kafka_bootstrap: str) -> dict[str, str]:
    return environment_of(database.url, database.owner_url, kafka_bootstrap)


def environment_of(url: str, owner_url: str, kafka_bootstrap: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url,
        "DATABASE_OWNER_URL": owner_url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "HTTP_PORT": str(free_port()),
        "ADMIN_PORT": str(free_port()),
        "CARDS_HTTP_PORT": str(free_port()),
        "CARDS_URL": "http://localhost:1",
        "PORTAL_ORIGIN": "http://127.0.0.1:1",
        "ENVIRONMENT": "local",
        "SERVICE_PRIVATE_KEY": json.dumps(OWN.as_dict(private=True)),
        "SERVICE_PUBLIC_KEYS": json.dumps({"keys": [key.as_dict(private=False) for key in (GATEWAY, OWN)]}),
        "OPERATOR_KEY_SHA256": "0" * 64,
        "CURSOR_KEY": "a cursor key that is used in tests only",
        "TENANTS_SERVICE": "subscriptions",
        "TENANTS_URL": "http://127.0.0.1:9",
    }


def message(merchant: UUID, subject: str, data: EventData, customer: UUID | None = None) -> Envelope:
    now = datetime.now(UTC)
    return Envelope(
        id=uuid4(),
        source="/" + data.topic().replace(".", "/"),
        type=data.TYPE,
        subject=subject,
        time=now,
        recordedtime=now,
        sequence=1,
        merchantid=merchant,
        customerid=customer,
        correlationid=uuid4(),
        data=data.model_dump(mode="json"),
    )


async def publish(bootstrap: str, *envelopes: Envelope) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for envelope in envelopes:
            topic = ".".join(envelope.type.split(".")[:2])
            headers = [(name, value.encode()) for name, value in envelope.headers().items()]
            await producer.send_and_wait(topic, envelope.value(), envelope.key(), headers=headers)
    finally:
        await producer.stop()


async def heard(bootstrap: str, subject: str) -> Envelope:
    """The first message of the subject on billing.payments."""
    consumer = AIOKafkaConsumer("billing.payments", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            async for record in consumer:
                envelope = Envelope.model_validate_json(record.value)
                if envelope.subject == subject:
                    return envelope
        raise AssertionError("unreachable")
    finally:
        await consumer.stop()


async def test_an_invoice_on_a_topic_is_answered_on_another(environment: dict[str, str], kafka_bootstrap: str) -> None:
    await topics.apply(KafkaAccess(kafka_bootstrap), TOPICS)
    merchant, customer, invoice = uuid4(), uuid4(), uuid4()
    configured = MerchantConfigured(
        name="TechSolutions Inc.", legal=SELLER, locale="es-MX", time_zone="UTC", invoice_series="TS", sandbox=True
    )
    issued = InvoiceIssued(
        number="TS-000001",
        issued_on=date(2023, 5, 14),
        subscription_id=uuid4(),
        plan=PLAN,
        period=MAY,
        period_number=1,
        lines=(),
        net_total=PRICE,
        tax_total=Money(amount_minor=0, currency="USD"),
        total=PRICE,
        seller=SELLER,
    )
    cause = message(merchant, f"invoice-{invoice}", issued, customer)
    await publish(kafka_bootstrap, message(merchant, f"merchant-{merchant}", configured), cause)
    async with payments(environment) as running:
        failed = await heard(kafka_bootstrap, f"payment-{invoice}")
        assert PaymentFailed.model_validate(failed.data).code == "no_payment_method"
        assert (failed.customerid, failed.causationid, failed.correlationid) == (customer, cause.id, cause.correlationid)
        async with http_client() as client:
            ports = ("HTTP_PORT", "CARDS_HTTP_PORT", "ADMIN_PORT")
            service, cards, admin = (f"http://127.0.0.1:{environment[name]}" for name in ports)
            assert (await client.get(f"{admin}/health/live")).status_code == 200
            assert (await client.get(f"{service}/health/live")).status_code == 404
            assert "/v1/customers/{customer_id}/setups" in (await client.get(f"{service}/openapi.json")).json()["paths"]
            assert (await client.get(f"{cards}/cards/{uuid4()}")).status_code == 404
            assert (await client.get(f"{cards}/metrics")).status_code == 404
        for name in ports:
            endless = await answer_to(int(environment[name]), b"GET / HTTP/1.1\r\nhost: here\r\nx-a: " + b"a" * 40_000)
            assert (name, endless.status) == (name, 431)
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 15) == 0


async def test_it_refuses_to_start_in_production() -> None:
    url = "postgresql://payments:only-for-tests@127.0.0.1/payments"
    production = environment_of(url, url, "127.0.0.1:1") | {"ENVIRONMENT": "production"}
    async with process(*python("-m", "payments"), env=production, stderr=asyncio.subprocess.PIPE) as running:
        _, errors = await asyncio.wait_for(running.communicate(), 60)
    assert running.returncode == 2
    assert b"does not start in production" in errors
    assert b"only-for-tests" not in errors
