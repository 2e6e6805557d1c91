"""PostgreSQL and Kafka for tests: named by environment variables, else in containers, else those of the local stack."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from portalctl.local.kafka import KafkaServer, cluster_id_of
from portalctl.local.ports import free_port
from portalctl.local.postgres import PostgresServer
from portalctl.local.programs import start
from support import docker

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.3.1"
_START_SECONDS = 60.0
# Without fsync data is lost only if the machine stops, not if a process does. Every test connects several times, and each
# connection hashes a password.
_FAST_POSTGRES = {"fsync": "off", "synchronous_commit": "on", "max_connections": "300", "scram_iterations": "1"}


@asynccontextmanager
async def postgres() -> AsyncIterator[str]:
    """The URL of a superuser's connection."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
    elif docker.can_serve(POSTGRES_IMAGE):
        async with _postgres_container() as url:
            yield url
    else:
        with _folder() as folder:
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
    elif docker.can_serve(KAFKA_IMAGE):
        async with _kafka_container() as servers:
            yield servers
    else:
        with _folder() as folder:
            port = free_port()
            server = KafkaServer(folder, port, free_port({port}), folder / "kafka.log")
            await server.prepare()
            child = await start(server.program())
            try:
                yield server.bootstrap_servers
            finally:
                child.kill()  # its data is deleted, so it need not stop in order, which takes seconds
                await child.stop()


@asynccontextmanager
async def _postgres_container() -> AsyncIterator[str]:
    port = free_port()
    container = _container(POSTGRES_IMAGE).with_bind_ports(5432, port).with_env("POSTGRES_PASSWORD", "only-for-tests")
    url = f"postgresql://postgres:only-for-tests@127.0.0.1:{port}/postgres"

    async def answers() -> bool:
        try:
            await (await asyncpg.connect(url, timeout=3)).close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    async with _running(container.with_command(["-c", "max_connections=300", "-c", "scram_iterations=1"]), answers):
        yield url


@asynccontextmanager
async def _kafka_container() -> AsyncIterator[str]:
    port = free_port()
    container = _container(KAFKA_IMAGE).with_bind_ports(port, port)
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
    }
    for name, value in settings.items():
        container.with_env(f"KAFKA_{name}", value)

    async def answers() -> bool:
        return await cluster_id_of(f"127.0.0.1:{port}") is not None

    async with _running(container, answers):
        yield f"127.0.0.1:{port}"


def _container(image: str) -> "DockerContainer":
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


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="customer-portal-") as name:
        folder = Path(name)
        # PostgreSQL runs as another user when pytest runs as root.
        folder.chmod(0o711)
        yield folder
