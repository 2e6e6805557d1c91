"""A composed gateway on real HTTP and a real database, with stand-ins for the three services."""

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

import portal_gateway
from billing_contracts import subscriptions
from billing_contracts.envelope import Envelope, EventData, record_key
from chassis.consumers.batch_processor import BatchProcessor
from chassis.decoding import RawRecord, Record
from chassis.http.server import listen, serve
from chassis.runtime.health import Health
from portal_gateway.composition import compose
from portal_gateway.settings import Settings
from support import service
from support.databases import ServiceDatabase
from support.http_client import http_client
from support.portal_gateway import story
from support.service import common_settings, service_key

KEY = service_key("portal-gateway")

Answering = Callable[[Request], Awaitable[Response]]


@dataclass
class Owners:
    """Stands in for subscriptions, payments and invoicing: returns the responses that a test sets and records the requests."""

    answers: dict[tuple[str, str], Response | Answering] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    """(method, path, body, headers)"""

    def say(self, method: str, path: str, status: int, body: Any) -> None:
        self.answers[method, path] = JSONResponse(body, status)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
        async def any_of_it(path: str, request: Request) -> Response:
            body = await request.body()
            self.requests.append((request.method, f"/{path}", json.loads(body) if body else {}, dict(request.headers)))
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

    async def broken() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        raise ConnectionResetError("the disk is gone")

    return StreamingResponse(broken(), media_type="text/csv", headers={"content-disposition": 'attachment; filename="a.csv"'})


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
        return http_client(base_url=self.url, headers={"origin": self.url}, timeout=20)

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
        return http_client(base_url=self.gateway.url, headers=headers, timeout=20)

    async def link(self, customer: UUID = story.ANA, **fields: Any) -> str:
        """The URL of a new portal link."""
        async with self.back_end() as api:
            answer = await api.post("/v1/portal-links", json={"customer_id": str(customer), **fields})
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
    owners, own_socket, owners_socket = Owners(), listen("127.0.0.1", 0), listen("127.0.0.1", 0)
    url, owners_url = (f"http://127.0.0.1:{sock.getsockname()[1]}" for sock in (own_socket, owners_socket))
    known_keys: dict[str, dict[str, Any]] = {}

    async def merchant_by_key(sha256: str) -> dict[str, Any] | None:
        return known_keys.get(sha256)

    environment = settings(database, url, owners_url)
    async with service.resources(database, "portal-gateway", portal_gateway, environment, lambda _: merchant_by_key) as resources:
        composed = compose(resources)
        async with running(owners.app(), owners_socket), running(composed.app, own_socket):
            consumer = BatchProcessor(composed.consumers[0], resources.pool, asyncio.Event())
            yield Gateway(
                url=url,
                app=composed.app,
                pool=resources.pool,
                owners=owners,
                owners_url=owners_url,
                consumer=consumer,
                known_keys=known_keys,
                health=resources.health,
                stopping=resources.stopping,
            )
            resources.stopping.set()


def settings(database: ServiceDatabase, url: str, owners_url: str) -> Settings:
    own = {
        "http_port": urlsplit(url).port,
        "tenants_url": owners_url,
        "subscriptions_url": owners_url,
        "payments_url": owners_url,
        "invoicing_url": owners_url,
        "public_url": url,
        "cards_url": "http://localhost:4242",
        "link_pepper": "a pepper that is used in tests only",
    }
    return Settings.model_validate(common_settings(database, "portal-gateway") | own)
