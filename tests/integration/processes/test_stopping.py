"""After a stop signal, a service answers current requests, accepts no new ones, and ends in order."""

import asyncio
import base64
import hashlib
import json
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import httpx
import pytest
from joserfc.jwk import OKPKey

from billing_contracts.registry import TOPICS
from chassis.http.service_tokens import Signer
from chassis.kafka_access import KafkaAccess
from portalctl import topics
from support.databases import ServiceDatabase
from support.http_client import http_client
from support.ports import free_port
from support.processes import IGNORING, exit_code, process, python

CALLER = OKPKey.generate_key("Ed25519", {"kid": "portal-gateway"})
HELD = {
    "subscriptions": ("subscriptions", "POST", f"/v1/subscriptions/{uuid4()}/cancellation", 404),
    "payments": ("payments", "POST", f"/v1/customers/{uuid4()}/setups", 404),
    "invoicing": ("invoicing", "POST", f"/v1/invoices/{uuid4()}/void", 404),
    "portal-gateway": ("portal_gateway", "POST", "/api/session", 401),
}
"""service -> its package, and a request that is answered with this status once all of it has come."""


def environment(service: str, database: ServiceDatabase, kafka: str) -> dict[str, str]:
    port, nowhere = free_port(), "http://127.0.0.1:9"
    admin = free_port()
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database.url,
        "DATABASE_OWNER_URL": database.owner_url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "HTTP_PORT": str(port),
        "ADMIN_PORT": str(admin),
        "ENVIRONMENT": "local",
        "INSTANCE": f"stopping-{port}",
        "SERVICE_PRIVATE_KEY": json.dumps(OKPKey.generate_key("Ed25519", {"kid": service}).as_dict(private=True)),
        "SERVICE_PUBLIC_KEYS": json.dumps({"keys": [CALLER.as_dict(private=False)]}),
        "OPERATOR_KEY_SHA256": "0" * 64,
        "CURSOR_KEY": "a cursor key that is used in tests only",
        "TENANTS_SERVICE": "subscriptions",
        "TENANTS_URL": nowhere,
        "SUBSCRIPTIONS_URL": nowhere,
        "PAYMENTS_URL": nowhere,
        "INVOICING_URL": nowhere,
        "CARDS_URL": "http://localhost:9",
        "CARDS_HTTP_PORT": str(free_port()),
        "PORTAL_ORIGIN": nowhere,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "LINK_PEPPER": "a pepper that is used in tests only",
        "KEY_ENCRYPTION_KEY": base64.b64encode(bytes(32)).decode(),
    }


@asynccontextmanager
async def started(package: str, settings: dict[str, str], *before: str) -> AsyncIterator[Process]:
    async with process(*before, *python("-m", package), env=settings) as running:
        async with asyncio.timeout(60):
            while not await listening(settings["HTTP_PORT"]):
                assert running.returncode is None, "it ended"
                await asyncio.sleep(0.1)
        yield running


async def listening(port: str) -> bool:
    try:
        async with http_client() as client:
            return (await client.get(f"http://127.0.0.1:{port}/health/live")).status_code == 404
    except httpx.TransportError:
        return False


def customers_token(service: str) -> str:
    signer = Signer("portal-gateway", json.dumps(CALLER.as_dict(private=True)))
    return signer.token(service, merchant_id=uuid4(), customer_id=uuid4(), session="s")


async def merchants_key(database: ServiceDatabase) -> str:
    """The id of a merchant that the service has received from Kafka."""
    key, merchant = "sk_test_" + "k" * 43, uuid4()
    keys = [{"id": "key_1", "sha256": hashlib.sha256(key.encode()).hexdigest(), "revoked": False}]
    connection = await asyncpg.connect(database.admin_url)
    try:
        await connection.execute(
            """
            INSERT INTO projection (merchant_id, name, aggregate, sequence, event_id, doc)
            VALUES ($1::uuid, 'merchant', 'merchant-' || $1::uuid, 1, $1::uuid, $2::text::jsonb)
            """,
            merchant,
            json.dumps({"api_keys": keys, "time_zone": "UTC", "sandbox": True}),
        )
    finally:
        await connection.close()
    return key


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_service_ends_with_zero_on_each_signal_that_it_inherits_as_ignored(
    database: ServiceDatabase, kafka_bootstrap: str, number: signal.Signals
) -> None:
    await topics.apply(KafkaAccess(kafka_bootstrap), TOPICS)
    settings = environment("subscriptions", database, kafka_bootstrap)
    assert await exit_code(*python("-m", "subscriptions", "migrate"), env=settings) == 0
    async with started("subscriptions", settings, *IGNORING) as running:
        running.send_signal(number)
        assert await asyncio.wait_for(running.wait(), 30) == 0


@pytest.mark.parametrize("service", HELD)
async def test_a_current_request_is_answered_and_the_process_ends_with_zero(
    database: ServiceDatabase, kafka_bootstrap: str, service: str
) -> None:
    package, method, path, status = HELD[service]
    await topics.apply(KafkaAccess(kafka_bootstrap), TOPICS)
    settings = environment(service, database, kafka_bootstrap)
    assert await exit_code(*python("-m", package, "migrate"), env=settings) == 0
    body = json.dumps({"token": "x"} if service == "portal-gateway" else {}).encode()
    credential = await merchants_key(database) if service == "invoicing" else customers_token(service)
    headers = {
        "host": f"127.0.0.1:{settings['HTTP_PORT']}",
        "origin": settings["PUBLIC_URL"],
        "authorization": f"Bearer {credential}",
        "idempotency-key": "once",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    async with started(package, settings) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(settings["HTTP_PORT"]))
        writer.write(head.encode() + body[:1])
        await writer.drain()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.5)
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while await listening(settings["HTTP_PORT"]):
                await asyncio.sleep(0.05)
        assert running.returncode is None
        writer.write(body[1:])
        await writer.drain()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
        assert b"application/problem+json" in answer
        assert await asyncio.wait_for(running.wait(), 15) == 0
