"""The whole system for measurements, with one merchant and customers created through the public APIs."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg

from bench.serving import Served, serving
from bench.usage import Processes
from portalctl.local.folder import Folder
from portalctl.local.lifecycle import follow_start, launch, take_down
from portalctl.local.ports import free_port
from support.system_stack import Customer, Shop, Stack, Visit, shop

PROCESSES: Final = ("postgres", "kafka", "subscriptions", "payments", "invoicing", "portal-gateway")
_STEADY: Final = 4
_POLL_SECONDS: Final = 0.15
"""The stack is quiet after this many equal observations, this many seconds apart."""
_PROGRESS: Final = """
    SELECT (SELECT sum(next) FROM offsets), (SELECT position FROM relay),
        pg_sequence_last_value(pg_get_serial_sequence('events', 'position'))
"""


@asynccontextmanager
async def portal(supervisor: Sequence[str] | None = None) -> AsyncIterator[Shop]:
    """Run a separate stack with one merchant and its test clock. It ends with this process, also after a crash.

    `supervisor` replaces portalctl's command; it gets the folder as its last argument.
    """
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        root = Path(name)
        # PostgreSQL may run as another user than root and has to enter the folder.
        root.chmod(0o711)
        folder = Folder(root / "stack")
        process = launch(folder, detach=False, command=[*supervisor, str(folder.root)] if supervisor else None)
        try:
            await asyncio.to_thread(follow_start, folder, process, lambda _: None)
            async with shop(Stack(folder.root)) as seller:
                yield seller
        finally:
            await asyncio.to_thread(take_down, folder, wipe_data=True)
            process.wait()


def processes(stack: Stack, *names: str) -> Processes:
    """The process ids of the named parts of the stack, or of all."""
    running: dict[str, int] = stack.state["processes"]
    return {name: running[name] for name in names or PROCESSES}


@contextmanager
def suspended(stack: Stack) -> Iterator[None]:
    """Suspend all parts of the stack but PostgreSQL during the block."""
    frozen = [name for name in stack.state["processes"] if name != "postgres"]
    try:
        for name in frozen:
            stack.signal(name, signal.SIGSTOP)
        yield
    finally:
        for name in frozen:
            stack.signal(name, signal.SIGCONT)


def settings(stack: Stack, service: str) -> dict[str, str]:
    """The environment of a running service."""
    variables = Path(f"/proc/{stack.state['processes'][service]}/environ").read_bytes().decode().rstrip("\0").split("\0")
    return dict(setting.split("=", 1) for setting in variables)


@asynccontextmanager
async def second_process(stack: Stack, service: str, *, role: str) -> AsyncIterator[Served]:
    """Run a second process of a service, with the settings of the running one."""
    port = free_port()
    environment = settings(stack, service) | {"HTTP_PORT": str(port), "ADMIN_PORT": "0", "INSTANCE": "another"}
    command = sys.executable, "-m", service.replace("-", "_"), "serve", "--role", role
    async with serving(service, port, command, environment) as served:
        yield served


async def subscribe(seller: Shop, count: int) -> list[str]:
    """Create subscriptions of one customer, each with a paid first period."""
    customer = await seller.customer()
    subscriptions: list[str] = []
    for start in range(0, count, 16):
        body = {"customer_id": customer.id, "plan_id": seller.plan}
        several = min(16, count - start)
        subscriptions += await asyncio.gather(*(seller.backend.create("subscriptions", body) for _ in range(several)))
    return subscriptions


async def until_quiet(stack: Stack) -> None:
    """Wait until no event is relayed or consumed."""
    async with AsyncExitStack() as open_:
        connections = []
        for url in stack.state["postgres"].values():
            connections.append(await asyncpg.connect(url))
            open_.push_async_callback(connections[-1].close)
        seen: Any = None
        steady = 0
        while steady < _STEADY:
            await asyncio.sleep(_POLL_SECONDS)
            now = [await connection.fetchrow(_PROGRESS) for connection in connections]
            steady, seen = (steady + 1 if now == seen else 0), now


def browser_headers(visit: Visit) -> dict[str, str]:
    """The headers of a request from the visit's browser."""
    return {name: visit.browser.headers[name] for name in ("cookie", "x-csrf-token", "origin")}


__all__ = [
    "PROCESSES",
    "Customer",
    "Shop",
    "Stack",
    "Visit",
    "browser_headers",
    "portal",
    "processes",
    "second_process",
    "settings",
    "subscribe",
    "suspended",
    "until_quiet",
]
