"""The processes of the services: several of each, with settings as in a deployment."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from portalctl.local.programs import Child, Program
from support.http_client import http_client

HTTP, WORKER, ALL = "http", "worker", "all"


@dataclass(frozen=True)
class Replica:
    """One process: a service in one role, with its own ports and its own INSTANCE."""

    service: str
    package: str
    role: str
    number: int
    environment: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.service}-{self.role}-{self.number}"

    @property
    def ports(self) -> tuple[int, int]:
        return int(self.environment["HTTP_PORT"]), int(self.environment["ADMIN_PORT"])

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.ports[1]}"

    def program(self, python: str, logs: Path) -> Program:
        return Program(
            name=self.name,
            command=[python, "-m", self.package, "serve", "--role", self.role],
            log=logs / f"{self.name}.log",
            ready=partial(_ready, self.admin_url),
            environment=self.environment,
        )


@dataclass
class Replicas:
    all: Sequence[Replica]
    logs: Path
    python: str = sys.executable
    """The interpreter of the release that new processes run."""
    children: dict[str, Child] = field(default_factory=dict)

    def of_role(self, *roles: str) -> list[Replica]:
        return [replica for replica in self.all if replica.role in roles]

    def serving(self, service: str) -> Iterator[Replica]:
        return (replica for replica in self.of_role(HTTP, ALL) if replica.service == service)

    async def start(self) -> None:
        for replica in self.all:
            await self.spawn(replica)
        await self.ready()

    async def spawn(self, replica: Replica) -> None:
        self.children[replica.name] = await Child.spawn(replica.program(self.python, self.logs))

    async def ready(self, *replicas: Replica) -> None:
        """Wait until the processes are ready, all of them by default."""
        await asyncio.gather(*(self.children[replica.name].until_ready() for replica in replicas or self.all))

    async def kill(self, replica: Replica) -> None:
        self.children[replica.name].kill()
        await self.children[replica.name].process.wait()

    async def replace(self, replica: Replica) -> None:
        """Stop the process in order, start it again, and wait until it is ready."""
        await self.children[replica.name].stop()
        await self.spawn(replica)
        await self.ready(replica)

    async def stop(self) -> None:
        for child in self.children.values():
            child.kill()  # the databases are deleted
        await asyncio.gather(*(child.stop() for child in self.children.values()))


async def _ready(admin_url: str) -> bool:
    async with http_client(timeout=10) as client:
        try:
            return (await client.get(f"{admin_url}/health/ready")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
