"""The life of a service's process: open its resources, run its parts until a stop signal, close in order.

Changed secrets are used without a restart: `live_settings.py` reads them, and `_open` and `_workers` pass them on.
"""

import asyncio
import gc
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI

from chassis.consumers import Consumer, run_consumers
from chassis.consumers.topic_identity import cluster
from chassis.event_store.idempotency_expiry import expire_answers
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.event_store.timers import TimerLoop
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.admin import admin_app
from chassis.http.authentication import Authenticator
from chassis.http.client import ServiceClient
from chassis.http.commands import RunOnce
from chassis.http.connections import ClientConnections
from chassis.http.idempotency import idempotency_in
from chassis.http.page_cursors import Cursors
from chassis.http.problems import Problem
from chassis.http.server import Server, allow_open_files, listen, serve
from chassis.http.service_tokens import Signer, Verifier
from chassis.outbox.commit_signals import CommitSignals
from chassis.outbox.relay import Relay
from chassis.postgres.connect import connect
from chassis.postgres.pool import create_pool, use_dsn
from chassis.runtime.faults import is_transient
from chassis.runtime.health import Health
from chassis.runtime.signals import RELOAD_SIGNAL, STOP_SIGNALS_OF_SERVICES
from chassis.service.kafka_settings import KAFKA_FIELDS
from chassis.service.live_settings import LiveSettings
from chassis.service.readiness import check_database, check_kafka, watch_tasks
from chassis.service.restoration import NotReconciled, require_reconciled, until_reconciled
from chassis.service.settings import ServiceSettings
from chassis.tenants import Tenants
from chassis.tls import CertificateFiles, ListenerCertificate, client_context, system_context, trust_added

log = structlog.get_logger()

_GC_THRESHOLD = 50_000
"""Container objects allocated between two collections of the youngest generation: more than a batch of events allocates. With the
interpreter's default of 700, a batch would be scanned a dozen times while it is in use."""

_OTHER_OPEN_FILES = 200
"""Open files besides HTTP connections: databases, Kafka, other services, the admin listener."""

Worker = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set, then finishes its current work and returns."""


@dataclass
class Resources:
    """The resources that the chassis opens for a service before its composition."""

    live: LiveSettings[Any]
    """The settings. What the composition makes of secrets registers here for their rotation."""
    pool: asyncpg.Pool
    store: PostgresEventStore
    tenants: Tenants
    signer: Signer
    authenticator: Authenticator
    once: RunOnce
    """Runs work on the service's own tables under an idempotency key."""
    health: Health
    stopping: asyncio.Event
    """Set after a stop signal, so that long responses end."""
    closing: AsyncExitStack
    """Closed last. The composition registers here what it opens."""
    commits: CommitSignals = field(default_factory=CommitSignals)
    """Must be signalled after every commit that may contain events or work for a worker."""
    tls: ssl.SSLContext = field(default_factory=system_context)
    """Checks the certificates of other services."""
    cursors: Cursors = field(init=False)

    def __post_init__(self) -> None:
        self.cursors = Cursors(*self.settings.cursor_keys)
        self.live.on_change(["cursor_key"], lambda settings: self.cursors.use(settings.cursor_keys))

    @property
    def settings(self) -> Any:
        return self.live.current

    def client(self, url: str, audience: str, *, timeout: float = 5) -> ServiceClient:
        """A client of another service, which is closed with the other resources."""
        client = ServiceClient(url, audience, self.signer, timeout=timeout, tls=self.tls)
        self.closing.push_async_callback(client.close)
        return client


@dataclass(frozen=True)
class Listener:
    app: FastAPI
    hosts: tuple[str, ...]
    port: int
    certificate: CertificateFiles | None = None
    """None: plain HTTP."""


@dataclass
class Service:
    """The parts of a service, as returned by its composition."""

    app: FastAPI
    consumers: tuple[Consumer, ...] = ()
    timers: tuple[CommandHandler[Any, Any, Any], ...] = ()
    """The command handlers of aggregates with timers."""
    workers: Mapping[str, Worker] = field(default_factory=dict)
    more_apps: tuple[Listener, ...] = ()
    """One for each further origin."""
    publishes: bool = True
    """Whether the service has a relay for its own events."""


Compose = Callable[[Resources], Service]


async def serve_until_stopped(
    name: str, live: LiveSettings[ServiceSettings], compose: Compose, components: Mapping[str, Path], role: str
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS_OF_SERVICES:
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(RELOAD_SIGNAL, live.reload_soon)
    async with AsyncExitStack() as closing:
        resources = await _open(name, live, components, stopping, closing)
        service = compose(resources)
        service.app.state.stopping = stopping
        tune_garbage_collection()
        try:
            await _run(name, live.current, resources, service, role, stopping)
        except BaseExceptionGroup as failures:
            if marked := failures.subgroup(NotReconciled):
                raise marked.exceptions[0] from None
            raise
    log.info("service.stopped")


def tune_garbage_collection() -> None:
    """Freeze the objects loaded at startup, which are permanent, and collect the youngest generation less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 20)
    gc.enable()


async def _open(
    name: str,
    live: LiveSettings[ServiceSettings],
    components: Mapping[str, Path],
    stopping: asyncio.Event,
    closing: AsyncExitStack,
) -> Resources:
    settings = live.current
    pool = await create_pool(
        settings.database_url.get_secret_value(),
        name=f"{name}.{settings.instance}",
        min_size=2,
        max_size=settings.database_connections,
    )
    closing.push_async_callback(pool.close)
    try:
        await require_reconciled(pool)
    except Exception as error:
        if not is_transient(error):
            raise  # without a database the process starts, and its parts wait for the check
    signer = Signer(name, settings.service_private_key.get_secret_value())
    tls = client_context(settings.services_ca_file) if settings.services_ca_file else system_context()
    if settings.services_ca_file:
        live.on_file_change([settings.services_ca_file], partial(trust_added, tls, settings.services_ca_file))
    client = ServiceClient(settings.tenants_url, settings.tenants_service, signer, tls=tls)
    closing.push_async_callback(client.close)

    async def resolve(sha256: str) -> dict[str, Any] | None:
        try:
            merchant: dict[str, Any] = (await client.call("GET", f"/v1/keys/{sha256}")).json()
        except Problem as problem:
            if problem.status == 404:
                return None
            raise
        return merchant

    tenants = Tenants(pool, resolve if name != settings.tenants_service else None)
    verifier = Verifier(name, settings.service_public_keys)
    authenticator = Authenticator(tenants, verifier, *settings.operator_digests)
    live.check(["database_url"], _connect)
    live.on_change(["database_url"], lambda new: use_dsn(pool, new.database_url.get_secret_value()))
    live.on_change(["service_private_key"], lambda new: signer.use(new.service_private_key.get_secret_value()))
    live.on_change(["service_public_keys"], lambda new: verifier.use(new.service_public_keys))
    live.on_change(["operator_key_sha256"], lambda new: authenticator.use(new.operator_digests))
    commits = CommitSignals(pool)
    store = await closing.enter_async_context(PostgresEventStore(pool, commits=commits))
    health = Health()
    check_database(health, pool, components)
    watch_tasks(health)
    live.report_to(health)
    once = idempotency_in(pool, commits)
    return Resources(live, pool, store, tenants, signer, authenticator, once, health, stopping, closing, commits, tls)


async def _connect(settings: ServiceSettings) -> None:
    """Raises an exception if the database cannot be reached with these settings."""
    connection = await connect(settings.database_url.get_secret_value())
    connection.terminate()


async def _reach_kafka(settings: ServiceSettings) -> None:
    """Raises an exception if Kafka cannot be reached with these settings."""
    await cluster(settings.kafka, [])


async def _run(
    name: str, settings: ServiceSettings, resources: Resources, service: Service, role: str, stopping: asyncio.Event
) -> None:
    """Run all parts of the role until a stop signal. If a part ends earlier, the process ends, and its supervisor restarts it."""
    servers: list[Server] = []
    allow_open_files(2 * settings.http_connections + _OTHER_OPEN_FILES)
    shared = ClientConnections(settings.limits, settings.trusted_proxies)
    api = Listener(service.app, (settings.http_host,), settings.http_port, settings.http_certificate)
    public = [api, *service.more_apps] if role != "worker" else []
    admin = Listener(
        admin_app(name, resources.health, service.app.openapi if public else None), (settings.admin_host,), settings.admin_port
    )
    async with asyncio.TaskGroup() as tasks:

        def start(listener: Listener, connections: ClientConnections) -> int:
            """Returns the port."""
            certificate = ListenerCertificate(listener.certificate) if listener.certificate else None
            if certificate:
                resources.live.on_file_change(certificate.files.all, certificate.reload)
            server = serve(
                listener.app,
                grace_seconds=settings.shutdown_seconds - 3,
                trusted_proxies=settings.trusted_proxies,
                connections=connections,
                certificate=certificate,
            )
            servers.append(server)
            sockets = [listen(host, listener.port) for host in listener.hosts]
            port: int = sockets[0].getsockname()[1]
            tasks.create_task(_run_part(f"http:{port}", server.serve(sockets), stopping))
            return port

        for listener in public:
            start(listener, shared)
        admin_port = start(admin, ClientConnections(settings.limits))
        if role != "http":
            if service.consumers or service.publishes:
                check_kafka(resources.health, serves=role == "all")
                resources.live.check(KAFKA_FIELDS, _reach_kafka)
            for label, worker in _workers(name, resources, service).items():
                tasks.create_task(_run_part(label, _checked(worker, resources.pool, stopping), stopping))
        tasks.create_task(_run_part("settings", resources.live.watch(stopping), stopping))
        tasks.create_task(until_reconciled(resources.pool, stopping))
        log.info("service.started", role=role, port=settings.http_port if public else None, admin_port=admin_port)
        tasks.create_task(_stop(stopping, servers, settings.shutdown_seconds))


def _workers(name: str, resources: Resources, service: Service) -> dict[str, Worker]:
    workers: dict[str, Worker] = {"answers": partial(expire_answers, resources.pool), **service.workers}
    if service.consumers:

        async def consume(stop: asyncio.Event) -> None:
            settings = resources.settings
            await run_consumers(
                service.consumers,
                service=name,
                pool=resources.pool,
                kafka=settings.kafka,
                instance=settings.instance,
                stop=stop,
                health=resources.health,
                commits=resources.commits,
            )

        workers["consumers"] = resources.live.restarting(KAFKA_FIELDS, consume)
    if service.timers:
        workers["timers"] = TimerLoop(resources.pool, service.timers).run
    if service.publishes:

        async def relay(stop: asyncio.Event) -> None:
            settings = resources.settings
            await Relay(name, settings.database_url.get_secret_value(), settings.kafka, resources.commits).run(stop)

        workers["relay"] = resources.live.restarting(KAFKA_FIELDS | {"database_url"}, relay)
    return workers


async def _checked(worker: Worker, pool: asyncpg.Pool, stopping: asyncio.Event) -> None:
    await until_reconciled(pool, stopping)
    await worker(stopping)


async def _run_part(label: str, part: Awaitable[None], stopping: asyncio.Event) -> None:
    """Run the part. Raises RuntimeError if it ends before the stop signal, also by a CancelledError that a library raised."""
    try:
        await part
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if stopping.is_set() or current is None or current.cancelling():
            raise
    if not stopping.is_set():
        raise RuntimeError(f"{label} ended without a stop signal")


async def _stop(stopping: asyncio.Event, servers: list[Server], seconds: float) -> None:
    """After the stop signal, accept no more requests, and exit after `seconds` even if work remains."""
    await stopping.wait()
    log.info("service.stopping")
    for server in servers:
        server.should_exit = True
    asyncio.get_running_loop().call_later(seconds, _exit_after_timeout)


def _exit_after_timeout() -> None:
    log.error("service.stop_timed_out")
    raise SystemExit(1)
