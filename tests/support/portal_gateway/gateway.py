"""A composed gateway on real HTTP and a real database, with stand-ins for the three services."""

import asyncio
import contextlib
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from joserfc.jwk import OKPKey

import portal_gateway
from billing_contracts import subscriptions
from billing_contracts.envelope import Envelope, EventData, record_key
from chassis.consumers.batch_processor import BatchProcessor
from chassis.decoding import RawRecord, Record
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.http.authentication import Authenticator
from chassis.http.idempotency import idempotency_in
from chassis.http.server import listen, serve
from chassis.http.service_tokens import Signer, Verifier
from chassis.postgres.migrate import CHASSIS, migrate
from chassis.postgres.pool import create_pool
from chassis.runtime import logging
from chassis.runtime.health import Health
from chassis.service.service import Resources
from chassis.tenants import Tenants
from portal_gateway.composition import compose
from portal_gateway.settings import Settings
from support.databases import ServiceDatabase
from support.portal_gateway import story

MIGRATIONS = Path(portal_gateway.__file__).parent / "migrations"
KEY = OKPKey.generate_key("Ed25519", {"kid": "portal-gateway"})
OPERATOR = "operator's key"

Answering = Callable[[Request], Awaitable[Response]]


@dataclass
class Owners:
    """Stands in for subscriptions, payments and invoicing: returns the responses that a test sets and records the requests."""

    answers: dict[tuple[str, str], Response | Answering] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    """(method, path, body, headers)"""

    def say(self, method: str, path: str, status: int, body: Any) -> None:
        self.answers[method, path] = JSONResponse(body, status)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
        async def any_of_it(path: str, request: Request) -> Response:
            body = await request.body()
            self.asked.append((request.method, f"/{path}", json.loads(body) if body else {}, dict(request.headers)))
            answer = self.answers.get((request.method, f"/{path}"))
            if answer is None:
                return problem(404, "not_found")
            return answer if isinstance(answer, Response) else await answer(request)

        return app


def problem(status: int, code: str, **more: Any) -> Response:
    body = {"type": "about:blank", "title": code, "status": status, "code": code, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


def interrupted(*chunks: bytes) -> Response:
    """A file that breaks off midway."""

    async def made() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        raise ConnectionResetError("the disk is gone")

    return StreamingResponse(made(), media_type="text/csv", headers={"content-disposition": 'attachment; filename="a.csv"'})


@dataclass
class Gateway:
    url: str
    app: FastAPI
    pool: asyncpg.Pool
    owners: Owners
    owners_url: str
    consumer: BatchProcessor
    known_keys: dict[str, dict[str, Any]]
    health: Health
    stopping: asyncio.Event

    async def merchant(self, **changed: Any) -> "Merchant":
        return await Merchant(self, uuid4()).configured(**changed)

    def browser(self) -> httpx.AsyncClient:
        """A client with the Origin header of the portal's own pages."""
        return httpx.AsyncClient(base_url=self.url, headers={"origin": self.url}, timeout=20, trust_env=False)

    async def feed(self, *records: RawRecord) -> None:
        async def settle(*_: Any) -> None: ...

        await self.consumer.handle(records, settle)


@dataclass
class Merchant:
    """A merchant of the shared gateway. Each test has its own."""

    gateway: Gateway
    id: UUID
    sequences: dict[str, int] = field(default_factory=dict)

    @property
    def api_key(self) -> str:
        return "sk_test_" + hashlib.sha256(self.id.bytes).hexdigest()[:43]

    async def configured(self, **changed: Any) -> "Merchant":
        data = self.data(**changed)
        self.gateway.known_keys[data.api_keys[0].sha256] = {"id": str(self.id), **data.model_dump(mode="json")}
        await self.tell(data, subject=f"merchant-{self.id}", customer=None)
        return self

    def data(self, **changed: Any) -> subscriptions.MerchantConfigured:
        usual: dict[str, Any] = {
            "name": "TechSolutions Inc.",
            "legal": subscriptions.LegalIdentity(name="TechSolutions Inc.", address="1 Main St"),
            "locale": "es",
            "time_zone": "America/Mexico_City",
            "branding": subscriptions.Branding(terms_url="https://techsolutions.example/terms", colour="#1f57c3"),
            "invoice_series": "TS",
            "api_keys": (subscriptions.ApiKey(id="key-1", sha256=hashlib.sha256(self.api_key.encode()).hexdigest()),),
            "sandbox": True,
        }
        return subscriptions.MerchantConfigured(**usual | changed)

    async def tell(self, *events: EventData, subject: str | None = None, customer: UUID | None = story.ANA) -> None:
        """Publish events and let the gateway consume them."""
        await self.gateway.feed(*(record(self.envelope(event, subject, customer)) for event in events))

    def envelope(self, event: EventData, subject: str | None = None, customer: UUID | None = story.ANA) -> Envelope:
        about = subject or story.subject_of(event)
        self.sequences[about] = self.sequences.get(about, 0) + 1
        return story.envelope(event, about, self.sequences[about], self.id, customer)

    async def erase(self, customer: UUID = story.ANA) -> None:
        await self.gateway.feed(Record("billing.customers", 0, 0, record_key(self.id, f"customer-{customer}"), None))

    def back_end(self) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.api_key}"}
        return httpx.AsyncClient(base_url=self.gateway.url, headers=headers, timeout=20, trust_env=False)

    async def link(self, customer: UUID = story.ANA, **asked: Any) -> str:
        """The URL of a new portal link."""
        async with self.back_end() as api:
            answer = await api.post("/v1/portal-links", json={"customer_id": str(customer), **asked})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["url"])

    @asynccontextmanager
    async def signed_in(self, customer: UUID = story.ANA) -> AsyncIterator[httpx.AsyncClient]:
        """A browser with a session, opened by a link, and the session's token."""
        link = await self.link(customer)
        async with self.gateway.browser() as browser:
            await enter(browser, link)
            yield browser


async def enter(browser: httpx.AsyncClient, link: str) -> None:
    browser.headers.pop("x-csrf-token", None)
    entered = await browser.post("/api/session", json={"token": link})
    assert entered.status_code == 204, entered.text
    # Unlike browsers, httpx sends no Secure cookies to a loopback address over plain HTTP.
    browser.headers["cookie"] = entered.headers["set-cookie"].partition(";")[0]
    browser.headers["x-csrf-token"] = (await browser.get("/api/session")).json()["csrf"]


def record(envelope: Envelope) -> Record:
    topic = ".".join(envelope.type.split(".")[:2])
    return Record(topic, 0, 0, envelope.key(), envelope.value())


@asynccontextmanager
async def running(app: Any, sock: socket.socket, trusted_proxies: str = "") -> AsyncIterator[None]:
    server = serve(app, grace_seconds=3, trusted_proxies=trusted_proxies)
    task = asyncio.create_task(server.serve([sock]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def gateway_on(database: ServiceDatabase) -> AsyncIterator[Gateway]:
    logging.configure("portal-gateway", "error", "json")
    owner = await asyncpg.connect(database.owner_url)
    await migrate(owner, {"chassis": CHASSIS, "portal-gateway": MIGRATIONS}, urlsplit(database.url).username or "")
    await owner.close()
    owners, own_socket, owners_socket = Owners(), listen("127.0.0.1", 0), listen("127.0.0.1", 0)
    url, owners_url = (f"http://127.0.0.1:{sock.getsockname()[1]}" for sock in (own_socket, owners_socket))
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(create_pool(database.url, name="test", min_size=1, max_size=20))
        closing = await stack.enter_async_context(AsyncExitStack())
        resources, known_keys = resources_of(settings(database, url, owners_url), pool, closing)
        service = compose(resources)
        await stack.enter_async_context(running(owners.app(), owners_socket))
        await stack.enter_async_context(running(service.app, own_socket))
        handling = BatchProcessor(service.consumers[0], pool, asyncio.Event())
        yield Gateway(url, service.app, pool, owners, owners_url, handling, known_keys, resources.health, resources.stopping)
        resources.stopping.set()


def settings(database: ServiceDatabase, url: str, owners_url: str) -> Settings:
    return Settings.model_validate(
        {
            "database_url": database.url,
            "kafka_bootstrap_servers": "127.0.0.1:1",
            "http_port": urlsplit(url).port,
            "environment": "local",
            "service_private_key": json.dumps(KEY.as_dict(private=True)),
            "service_public_keys": json.dumps({"keys": [KEY.as_dict(private=False)]}),
            "operator_key_sha256": hashlib.sha256(OPERATOR.encode()).hexdigest(),
            "cursor_key": "a key for cursors, only for tests",
            "tenants_service": "subscriptions",
            "tenants_url": owners_url,
            "subscriptions_url": owners_url,
            "payments_url": owners_url,
            "invoicing_url": owners_url,
            "public_url": url,
            "cards_url": "http://localhost:4242",
            "link_pepper": "a pepper that is used in tests only",
        }
    )


def resources_of(
    given: Settings, pool: asyncpg.Pool, closing: contextlib.AsyncExitStack
) -> tuple[Resources, dict[str, dict[str, Any]]]:
    known_keys: dict[str, dict[str, Any]] = {}

    async def resolve(sha256: str) -> dict[str, Any] | None:
        return known_keys.get(sha256)

    tenants = Tenants(pool, resolve)
    verifier = Verifier("portal-gateway", given.service_public_keys)
    resources = Resources(
        settings=given,
        pool=pool,
        store=cast(PostgresEventStore, None),  # the gateway has no events of its own
        tenants=tenants,
        signer=Signer("portal-gateway", given.service_private_key.get_secret_value()),
        authenticator=Authenticator(tenants, verifier, given.operator_key_sha256),
        once=idempotency_in(pool),
        health=Health(),
        stopping=asyncio.Event(),
        closing=closing,
    )
    return resources, known_keys
