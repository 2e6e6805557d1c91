"""Runs Kill Bill, an open-source billing system, with its own database."""

import asyncio
import signal
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import psutil

from bench.killbill_setup import NAME, Software, command, schema, settings
from bench.usage import Processes
from portalctl.local.errors import PortTaken, StartFailed
from portalctl.local.ports import free_port, is_free
from portalctl.local.programs import child_environment, tied_command

PROCESS: Final = "java"
USER: Final = ("admin", "password")
"""The account of its default configuration."""
HEADERS: Final = {"x-killbill-apikey": "bench", "x-killbill-apisecret": "bench", "x-killbill-createdby": "bench"}
START_SECONDS: Final = 600.0
LOG_BYTES: Final = 200 * 2**20
"""A larger log means a failure that is logged in a loop."""


@dataclass(frozen=True, slots=True)
class KillBill:
    """A running server, suspended outside of `awake`."""

    url: str
    pid: int
    database: str
    http: httpx.AsyncClient
    """A client for the API, with user and tenant."""

    @property
    def processes(self) -> Processes:
        return {PROCESS: self.pid}

    @contextmanager
    def awake(self) -> Iterator[None]:
        process = psutil.Process(self.pid)
        process.resume()
        try:
            yield
        finally:
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    async def call(self, method: str, path: str, *, json: object = None, **params: str | int) -> httpx.Response:
        """Raises RuntimeError with the text of an error response."""
        answer = await self.http.request(method, path, params=params, json=json)
        if answer.is_error:
            raise RuntimeError(f"{NAME}: {method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer

    async def create(self, path: str, body: Mapping[str, object], **params: str | int) -> str:
        """Create a resource and return its id."""
        return (await self.call("POST", path, json=body, **params)).headers["location"].rpartition("/")[2]


@asynccontextmanager
async def killbill(
    parts: Software, admin_url: str, folder: Path, database: str, hash_iterations: int | None
) -> AsyncIterator[KillBill]:
    """Run a server with a new database on the PostgreSQL server of `admin_url`, and with its files in the folder.

    `hash_iterations` applies to the tenant's secret, which every request checks; None is Kill Bill's default. Raises StackError
    if the server does not start.
    """
    folder.mkdir()
    await _create_database(admin_url, database, parts.war)
    properties = settings(admin_url, database, folder, hash_iterations)
    (folder / "killbill.properties").write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    port = free_port()
    async with running(command(parts, folder, port), folder, port) as pid:
        url = f"http://127.0.0.1:{port}/1.0/kb"
        async with httpx.AsyncClient(base_url=url, auth=USER, headers=HEADERS, timeout=120, trust_env=False) as http:
            server = KillBill(url, pid, f"{admin_url.rpartition('/')[0]}/{database}", http)
            await server.create(
                "/tenants", {"apiKey": HEADERS["x-killbill-apikey"], "apiSecret": HEADERS["x-killbill-apisecret"]}
            )
            psutil.Process(pid).suspend()
            yield server


async def _create_database(admin_url: str, database: str, war: Path) -> None:
    server = await asyncpg.connect(admin_url)
    try:
        await server.execute(f'CREATE DATABASE "{database}"')
    finally:
        await server.close()
    own = await asyncpg.connect(f"{admin_url.rpartition('/')[0]}/{database}")
    try:
        for script in schema(war):
            await own.execute(script)
    finally:
        await own.close()


@asynccontextmanager
async def running(words: list[str], folder: Path, port: int) -> AsyncIterator[int]:
    """Run the command. Yields the process id after the first successful response."""
    if not is_free(port):
        raise PortTaken(NAME, f"another program listens on port {port}")
    process = await asyncio.create_subprocess_exec(
        *tied_command(words, signal.SIGKILL),
        cwd=folder,
        env=child_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    last: deque[bytes] = deque(maxlen=20)
    reading = asyncio.create_task(read_log(process, last))
    try:
        await _until_ready(process, reading, f"http://127.0.0.1:{port}/1.0/kb/nodesInfo", last)
        yield process.pid
    finally:
        await _stop(process)
        await reading


async def read_log(process: asyncio.subprocess.Process, last: deque[bytes]) -> None:
    """Read the log and keep its last lines. Kill a process with too large a log."""
    assert process.stdout
    size, rest = 0, b""
    while chunk := await process.stdout.read(64 * 1024):
        size += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        last.extend(lines)
        if size > LOG_BYTES and process.returncode is None:
            last.append(b"more than %d MiB of log: killed" % (LOG_BYTES >> 20))
            process.kill()
            return


async def _until_ready(process: asyncio.subprocess.Process, reading: asyncio.Task[None], url: str, last: deque[bytes]) -> None:
    try:
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(auth=USER, timeout=60, trust_env=False) as http:
            while process.returncode is None:
                with suppress(httpx.TransportError):
                    if (answer := await http.get(url)).is_success:
                        return
                    raise _failed(f"answered {answer.status_code} after its start", last)
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise _failed(f"not ready after {START_SECONDS:.0f} s", last) from None
    await asyncio.wait({reading}, timeout=5)  # the end of the log may still be in the pipe
    raise _failed(f"ended with exit code {process.returncode} before it was ready", last)


def _failed(what: str, last: deque[bytes]) -> StartFailed:
    lines = [f"  {line.decode(errors='replace')[:300]}" for line in last]
    return StartFailed(NAME, "\n".join([what, "The end of its log:", *lines]))


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        for number in (signal.SIGCONT, signal.SIGTERM):
            process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
    await process.wait()
