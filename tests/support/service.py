"""The harness for tests of one service: the composed service on a real database, in the test's process, without Kafka.

A test's `stack` opens `resources`, composes the service with them and plays the other services by delivering their events.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from joserfc.jwk import OKPKey

from billing_contracts.envelope import Envelope, EventData
from chassis.consumers.batch_processor import BatchProcessor
from chassis.consumers.consumer import Consumer
from chassis.decoding import Record
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.http.authentication import Authenticator
from chassis.http.idempotency import idempotency_in
from chassis.http.service_tokens import Signer, Verifier
from chassis.outbox.commit_signals import CommitSignals
from chassis.postgres.migrate import CHASSIS, migrate
from chassis.postgres.pool import create_pool
from chassis.runtime.health import Health
from chassis.service.live_settings import LiveSettings
from chassis.service.service import Resources
from chassis.service.settings import ServiceSettings
from chassis.tenants import Tenants
from support.databases import ServiceDatabase

OPERATOR = "operator-key-for-tests"
NO_SERVER = "127.0.0.1:9"

MerchantByKey = Callable[[str], Awaitable[dict[str, Any] | None]]
"""The document of the merchant with the API key of this SHA-256."""


def service_key(service: str) -> OKPKey:
    """The service's private key: the same in every process of a test."""
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(service.encode()).digest())
    halves = {"d": private.private_bytes_raw(), "x": private.public_key().public_bytes_raw()}
    parts = {part: base64.urlsafe_b64encode(raw).decode().rstrip("=") for part, raw in halves.items()}
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "kid": service, **parts})


def private_json(key: OKPKey) -> str:
    return json.dumps(key.as_dict(private=True))


def public_json(*keys: OKPKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def signer_of(key: OKPKey) -> Signer:
    return Signer(str(key.kid), private_json(key))


def customer_token(audience: str, merchant_id: UUID, customer_id: UUID, session: str = "session") -> str:
    """The gateway's token for a customer's request to a service."""
    gateway = signer_of(service_key("portal-gateway"))
    return gateway.token(audience, merchant_id=merchant_id, customer_id=customer_id, session=session)


def client(app: FastAPI, credential: str) -> AsyncClient:
    headers = {"authorization": f"Bearer {credential}"}
    return AsyncClient(transport=ASGITransport(app), base_url="http://service", headers=headers)


def common_settings(database: ServiceDatabase, service: str, *callers: str) -> dict[str, Any]:
    """Settings that every service has; `callers` are the services with tokens that it accepts."""
    own = service_key(service)
    return {
        "database_url": database.url,
        "kafka_bootstrap_servers": NO_SERVER,
        "http_port": 1,
        "environment": "local",
        "service_private_key": private_json(own),
        "service_public_keys": public_json(own, *map(service_key, callers)),
        "operator_key_sha256": hashlib.sha256(OPERATOR.encode()).hexdigest(),
        "cursor_key": "a cursor key that is used in tests only",
        "tenants_service": "subscriptions",
        "tenants_url": f"http://{NO_SERVER}",
    }


async def migrate_service(database: ServiceDatabase, service: str, package: ModuleType) -> None:
    """Create the tables of the chassis and of the service."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        migrations = Path(package.__file__ or "").parent / "migrations"
        await migrate(owner, {"chassis": CHASSIS, service: migrations}, urlsplit(database.url).username or "")
    finally:
        await owner.close()


@asynccontextmanager
async def resources(
    database: ServiceDatabase,
    service: str,
    package: ModuleType,
    settings: ServiceSettings,
    merchant_by_key: Callable[[asyncpg.Pool], MerchantByKey] | None = None,
) -> AsyncIterator[Resources]:
    """Migrate the database and open what a composition needs. `merchant_by_key` plays the owner of merchants."""
    await migrate_service(database, service, package)
    async with AsyncExitStack() as closing:
        pool = await closing.enter_async_context(create_pool(database.url, name="test", min_size=1, max_size=20))
        store = await closing.enter_async_context(PostgresEventStore(pool))
        tenants = Tenants(pool, merchant_by_key(pool) if merchant_by_key else None)
        verifier = Verifier(service, settings.service_public_keys)
        yield Resources(
            live=LiveSettings(settings),
            pool=pool,
            store=store,
            tenants=tenants,
            signer=Signer(service, settings.service_private_key.get_secret_value()),
            authenticator=Authenticator(tenants, verifier, *settings.operator_digests),
            once=idempotency_in(pool, store.commits),
            health=Health(),
            stopping=asyncio.Event(),
            closing=closing,
            commits=store.commits,
        )


def record_of(
    data: EventData, merchant_id: UUID, subject: str, at: datetime, customer: UUID | None = None, sequence: int = 1
) -> Record:
    """A public event of another service as it arrives from Kafka."""
    envelope = Envelope(
        id=uuid4(),
        source="/" + data.topic().replace(".", "/"),
        type=data.TYPE,
        subject=subject,
        time=at,
        recordedtime=datetime.now(UTC),
        sequence=sequence,
        merchantid=merchant_id,
        customerid=customer,
        correlationid=uuid4(),
        data=data.model_dump(mode="json"),
    )
    return Record(data.topic(), 0, 0, envelope.key(), envelope.value())


async def deliver(consumer: Consumer, pool: asyncpg.Pool, *records: Record, commits: CommitSignals | None = None) -> None:
    """Process the records as one batch from Kafka, without offsets. `commits` wakes workers, as in a running service."""

    async def settle(*_: object) -> None: ...

    await BatchProcessor(consumer, pool, asyncio.Event(), commits).handle(records, settle)
