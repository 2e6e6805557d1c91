"""PostgreSQL and Kafka for tests: named by environment variables, else in containers, else those of the local stack.

With SERVERS=containers, which needs a Docker daemon, they run in the images of `make images-of-servers`, or in the official ones.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from portalctl.local.kafka import KafkaServer, cluster_id_of
from portalctl.local.postgres import PostgresServer
from portalctl.local.programs import start
from support import docker
from support.ports import free_port
from support.server_folders import server_folder

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.3.1"
_OWN_IMAGES = {POSTGRES_IMAGE: "customer-portal/postgres:latest", KAFKA_IMAGE: "customer-portal/kafka:latest"}
_START_SECONDS = 60.0
# Without fsync data is lost only if the machine stops, not if a process does. Every test connects several times, and each
# connection hashes a password.
_FAST_POSTGRES = {
    "fsync": "off",
    "synchronous_commit": "on",
    "max_connections": "300",
    "scram_iterations": "1",
    "max_wal_size": "128MB",
}


@asynccontextmanager
async def postgres() -> AsyncIterator[str]:
    """The URL of a superuser's connection."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
    elif image := _image(POSTGRES_IMAGE):
        async with _postgres_container(image) as url:
            yield url
    else:
        with server_folder() as folder:
            server = PostgresServer(folder, free_port(), "only-for-tests", folder / "postgres.log", _FAST_POSTGRES)
            await server.prepare()
            child = await start(server.program())
            try:
                yield server.url
            finally:
                await child.stop()


@asynccontextmanager
async def kafka() -> AsyncIterator[str]:
    """Bootstrap servers. The broker does not create topics automatically."""
    if servers := os.environ.get("TEST_KAFKA_BOOTSTRAP_SERVERS"):
        yield servers
    elif image := _image(KAFKA_IMAGE):
        async with _kafka_container(image) as servers:
            yield servers
    else:
        with server_folder() as folder:
            port = free_port()
            server = KafkaServer(folder, port, free_port(), folder / "kafka.log")
            await server.prepare()
            child = await start(server.program())
            try:
                yield server.bootstrap_servers
            finally:
                child.kill()  # its data is deleted, so it need not stop in order, which takes seconds
                await child.stop()


def _image(official: str) -> str | None:
    """The image to run in a container; None for the server of the local stack."""
    if os.environ.get("SERVERS") != "containers":
        return official if docker.can_serve(official) else None
    for image in (_OWN_IMAGES[official], official):
        if docker.can_serve(image, pull=image == official):
            return image
    raise RuntimeError(f"SERVERS=containers needs a Docker daemon with {_OWN_IMAGES[official]} (make images-of-servers)")


@asynccontextmanager
async def _postgres_container(image: str) -> AsyncIterator[str]:
    port = free_port()
    container = _container(image).with_bind_ports(5432, port).with_env("POSTGRES_PASSWORD", "only-for-tests")
    url = f"postgresql://postgres:only-for-tests@127.0.0.1:{port}/postgres"

    async def answers() -> bool:
        try:
            await (await asyncpg.connect(url, timeout=3)).close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    options = [part for name, value in _FAST_POSTGRES.items() for part in ("-c", f"{name}={value}")]
    async with _running(container.with_command(options), answers):
        yield url


@asynccontextmanager
async def _kafka_container(image: str) -> AsyncIterator[str]:
    port = free_port()
    container = _container(image).with_bind_ports(port, port)
    settings = {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "LOG_DIRS": "/var/lib/kafka/data",
    }
    for name, value in settings.items():
        container.with_env(f"KAFKA_{name}", value)

    async def answers() -> bool:
        return await cluster_id_of(f"127.0.0.1:{port}") is not None

    async with _running(container, answers):
        yield f"127.0.0.1:{port}"


def _container(image: str) -> "DockerContainer":
    if os.environ.get("SERVERS") == "containers":
        # The package's container that removes leftovers has an image of its own, which may be out of reach.
        os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.core.container import DockerContainer  # takes 0.5 s, in each process of the tests

    return DockerContainer(image)


@asynccontextmanager
async def _running(container: "DockerContainer", answers: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
    await asyncio.to_thread(container.start)
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not await answers():
                await asyncio.sleep(0.2)
        yield
    finally:
        await asyncio.to_thread(container.stop)
