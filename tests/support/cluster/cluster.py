"""The whole system as in a cluster: three brokers, a primary and a standby, several processes of each service, a proxy.

All connections to Kafka and PostgreSQL use TLS, and each service has a Kafka user that may write its own topics only.
"""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chassis.service.kafka_settings import kafka_variables
from portalctl.local import databases
from portalctl.local.databases import Database, Role, url_of
from portalctl.local.errors import PortTaken
from portalctl.local.folder import Folder, write_json
from portalctl.local.keys import Keys
from portalctl.local.programs import run_tool, start
from portalctl.local.services import SERVICES, ServiceKind, environment
from support.cluster import brokers, proxy
from support.cluster import databases as postgres
from support.cluster.brokers import ADMINISTRATOR, Brokers
from support.cluster.certificates import Certificates
from support.cluster.databases import DatabasePair
from support.cluster.replicas import ALL, HTTP, WORKER, Replica, Replicas
from support.ports import free_port
from support.processes import exit_code
from support.system_stack import Stack

OPERATOR = "portalctl"
_STARTS_MAX = 3


@dataclass(frozen=True)
class Plan:
    """How many processes of each role every service has."""

    roles: Sequence[tuple[str, int]] = ((HTTP, 2), (WORKER, 2))

    @property
    def names(self) -> list[tuple[ServiceKind, str, int]]:
        return [(kind, role, number) for kind in SERVICES for role, many in self.roles for number in range(1, many + 1)]

    @property
    def has_proxy(self) -> bool:
        return max(many for _, many in self.roles) > 1


FULL, SMALL = Plan(), Plan(((ALL, 1),))


@dataclass(frozen=True)
class Cluster:
    folder: Folder
    keys: Keys
    urls: Mapping[str, str]
    brokers: Brokers
    postgres: DatabasePair
    replicas: Replicas

    @property
    def stack(self) -> Stack:
        """The system as merchants and customers use it."""
        return Stack(self.folder.root)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of portalctl."""
        owners = {
            f"{one.name.upper()}_DATABASE_URL": url_of(self.postgres.url(), one.name, one.owner) for one in _databases(self.keys)
        }
        kafka = kafka_variables(self.brokers.access(OPERATOR))
        return {**owners, **kafka, "PORTAL_POSTGRES_URL": self.postgres.url(), "REPLICATION": "3"}

    def database_url(self, package: str) -> str:
        """The URL of a service's database for the owner of its tables."""
        return self.variables[f"{package.upper()}_DATABASE_URL"]

    async def portalctl(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "portalctl", *words]
        shell = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "PORTAL_"))}
        return await asyncio.to_thread(
            subprocess.run,
            command,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
            env={**shell, "PORTAL_FOLDER": str(self.folder.root), **self.variables, **variables},
        )

    async def administer(self, *words: str) -> subprocess.CompletedProcess[str]:
        """portalctl as Kafka's administrator."""
        access = self.brokers.access(ADMINISTRATOR)
        return await self.portalctl(*words, **kafka_variables(access))

    async def migrate(self, python: str = sys.executable) -> None:
        """Run `migrate` of every service with the code of a release."""

        async def migrate(replica: Replica) -> None:
            command = [python, "-m", replica.package, "migrate"]
            log = self.folder.log(f"{replica.service}-migrate")
            await run_tool(f"{replica.service} migrate", command, log, environment=replica.environment)

        first = {replica.service: replica for replica in reversed(self.replicas.all)}
        await asyncio.gather(*map(migrate, first.values()))

    async def finish_upgrade(self) -> None:
        """Rebuild the documents that the previous release has written, once none of its processes runs."""
        done = await self.portalctl("rebuild", "--due", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr


@asynccontextmanager
async def cluster(plan: Plan = FULL, python: str = sys.executable) -> AsyncIterator[Cluster]:
    """A running cluster of the release with the interpreter `python`. Everything ends with the block."""
    for attempt in range(_STARTS_MAX):
        async with AsyncExitStack() as closing:
            name = closing.enter_context(tempfile.TemporaryDirectory(prefix="cluster-", ignore_cleanup_errors=True))
            try:
                running = await _start(Path(name), plan, python, closing)
            except PortTaken:
                if attempt == _STARTS_MAX - 1:
                    raise
                continue  # another program took a port between its choice and its use
            yield running
            return


async def _start(root: Path, plan: Plan, python: str, closing: AsyncExitStack) -> Cluster:
    root.chmod(0o711)  # PostgreSQL of root may run as the user `nobody`
    folder = Folder(root)
    folder.logs.mkdir()
    ports = _ports(plan)
    certificates = Certificates.create(root, [*brokers.NODES, *postgres.NODES])
    keys = await _created_keys(folder, python)
    users = [ADMINISTRATOR, OPERATOR, *(kind.name for kind in SERVICES)]
    kafka = Brokers.create(root, ports, certificates, {user: secrets.token_hex(16) for user in users})
    pair = DatabasePair.create(root, ports, certificates, secrets.token_hex(16))
    urls = {name: f"http://{'localhost' if name == 'cards' else '127.0.0.1'}:{ports[name]}" for name in _served()}
    replicas = Replicas(list(_replicas(plan, ports, keys, urls, kafka, pair)), folder.logs, python)
    running = Cluster(folder, keys, urls, kafka, pair, replicas)
    write_json(folder.state, {"urls": urls, "operator_key": keys.operator_key})
    for part in (kafka, pair):
        closing.push_async_callback(part.stop)
    await asyncio.gather(kafka.start(), _prepare_databases(running, python))
    for words in (("topics", "acls", "--apply", "--yes"), ("topics", "apply")):
        answer = await (running.administer(*words) if "acls" in words else running.portalctl(*words))
        assert answer.returncode == 0, answer.stdout + answer.stderr
    closing.push_async_callback(replicas.stop)
    await replicas.start()
    if plan.has_proxy:
        backends = {name: list(_backends(replicas, name)) for name in _served()}
        child = await start(proxy.proxy(root, ports, backends))
        closing.push_async_callback(child.stop)
    return running


async def _created_keys(folder: Folder, python: str) -> Keys:
    """Made by the release that starts the cluster, because another one may not accept newer forms of keys."""
    roles = [role for kind in SERVICES for role in _roles(kind)]
    program = (
        "import sys, pathlib; from portalctl.local import folder, keys;"
        "keys.load_or_create_keys(folder.Folder(pathlib.Path(sys.argv[1])), sys.argv[2].split(), sys.argv[3].split())"
    )
    names = " ".join(kind.name for kind in SERVICES)
    assert await exit_code(python, "-c", program, str(folder.root), " ".join(roles), names) == 0
    return Keys.stored_in(folder)


async def _prepare_databases(running: Cluster, python: str) -> None:
    await running.postgres.start()
    for database in _databases(running.keys):
        await databases.create(running.postgres.url(), database)
    await running.migrate(python)


def _served() -> list[str]:
    return [*(kind.name for kind in SERVICES), "cards"]


def _backends(replicas: Replicas, name: str) -> list[tuple[int, int]]:
    if name != "cards":
        return [replica.ports for replica in replicas.serving(name)]
    return [(int(replica.environment["CARDS_HTTP_PORT"]), replica.ports[1]) for replica in replicas.serving("payments")]


def _ports(plan: Plan) -> dict[str, int]:
    """Without a proxy the only process of a service has the port of the service's URL."""
    processes = [f"{kind.name}-{role}-{number}" for kind, role, number in plan.names]
    names = [*brokers.NODES, *(f"{node}-controller" for node in brokers.NODES), *postgres.NODES, *_served()]
    names += [port for name in processes for port in (name, f"{name}-admin", f"{name}-cards")]
    ports = {name: free_port() for name in names}
    if not plan.has_proxy:
        for kind, role, number in plan.names:
            ports[f"{kind.name}-{role}-{number}"] = ports[kind.name]
            ports[f"{kind.name}-{role}-{number}-cards"] = ports["cards"]
    return ports


def _replicas(
    plan: Plan, ports: Mapping[str, int], keys: Keys, urls: Mapping[str, str], kafka: Brokers, pair: DatabasePair
) -> list[Replica]:
    replicas = []
    for kind, role, number in plan.names:
        database, name = _database(kind, keys), f"{kind.name}-{role}-{number}"
        variables: dict[str, Any] = environment(
            kind,
            keys=keys,
            ports={kind.name: ports[name], kind.admin: ports[f"{name}-admin"], "cards": ports[f"{name}-cards"]},
            at=urls,
            kafka=kafka.access(kind.name),
            database_url=url_of(pair.url(), database.name, database.service),
            owner_url=url_of(pair.url(), database.name, database.owner),
        )
        own = {"ENVIRONMENT": "staging", "INSTANCE": f"{role}-{number}", "TRUSTED_PROXIES": "127.0.0.1/32"}
        replicas.append(Replica(kind.name, kind.package, role, number, variables | own))
    return replicas


def _databases(keys: Keys) -> list[Database]:
    return [_database(kind, keys) for kind in SERVICES]


def _database(kind: ServiceKind, keys: Keys) -> Database:
    owner, service = _roles(kind)
    return Database(kind.package, Role(owner, keys.passwords[owner]), Role(service, keys.passwords[service]))


def _roles(kind: ServiceKind) -> tuple[str, str]:
    return f"{kind.package}_owner", kind.package
