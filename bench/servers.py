"""PostgreSQL and Kafka for a run, with durable settings: data is on disk before it is acknowledged."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.usage import Processes
from portalctl.local.kafka import KafkaServer
from portalctl.local.ports import free_port
from portalctl.local.postgres import PostgresServer
from portalctl.local.programs import start

DURABLE: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "400",
    "max_wal_size": "4GB",
}


@dataclass(frozen=True, slots=True)
class Servers:
    postgres_url: str
    """The URL of a superuser."""
    postgres_password: str
    kafka: str
    """Bootstrap servers."""
    folder: Path
    """The folder for files of a row; removed at the end."""
    processes: Processes
    """postgres and kafka."""

    def only(self, *names: str) -> Processes:
        return {name: self.processes[name] for name in names}


@asynccontextmanager
async def running() -> AsyncIterator[Servers]:
    """Run separate servers on free ports in a temporary folder, so that the load of other processes does not count."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        folder = Path(name)
        # PostgreSQL may run as another user than root and has to enter the folder.
        folder.chmod(0o711)
        password = "only-for-the-bench"
        postgres = PostgresServer(folder / "postgres", free_port(), password, folder / "postgres.log", DURABLE)
        port = free_port()
        kafka = KafkaServer(folder / "kafka", port, free_port({port}), folder / "kafka.log")
        await postgres.prepare()
        await kafka.prepare()
        children = []
        try:
            for program in (postgres.program(), kafka.program()):
                children.append(await start(program))
            processes = {child.program.name: child.pid for child in children}
            yield Servers(postgres.url, password, kafka.bootstrap_servers, folder, processes)
        finally:
            for child in reversed(children):
                await child.stop()
