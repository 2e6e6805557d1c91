"""PostgreSQL and Kafka for a run, as a careful operator sets them: nothing is acknowledged before it is on the disk."""

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
    """A superuser's."""
    postgres_password: str
    kafka: str
    """Bootstrap servers."""
    folder: Path
    """For the files of a row; removed at the end."""
    processes: Processes
    """postgres and kafka."""

    def only(self, *names: str) -> Processes:
        return {name: self.processes[name] for name in names}


@asynccontextmanager
async def running() -> AsyncIterator[Servers]:
    """Servers of the run's own on free ports, in a folder of their own: no other process' load counts as ours."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        folder = Path(name)
        # So that PostgreSQL can also enter when it had to give up root.
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
