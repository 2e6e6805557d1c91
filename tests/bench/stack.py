"""The whole system for rows that measure it, with one merchant and its customers made through the public APIs."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bench.serving import serving
from portalctl.local.ports import free_port
from support.portal import Customer, Shop, Stack, Visit, running, shop


@asynccontextmanager
async def portal() -> AsyncIterator[Shop]:
    """A stack of the run's own with one merchant, whose clock a test would move."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        async with running(folder / "stack") as stack, shop(stack) as made:
            yield made


@contextmanager
def still(stack: Stack) -> Iterator[None]:
    """Everything but PostgreSQL stands still meanwhile."""
    frozen = [name for name in stack.state["processes"] if name != "postgres"]
    try:
        for name in frozen:
            stack.signal(name, signal.SIGSTOP)
        yield
    finally:
        for name in frozen:
            stack.signal(name, signal.SIGCONT)


@asynccontextmanager
async def another(stack: Stack, service: str, *, role: str) -> AsyncIterator[str]:
    """The URL of one more process of a service, with the settings of the one that there is."""
    settings = Path(f"/proc/{stack.state['processes'][service]}/environ").read_bytes().decode().rstrip("\0").split("\0")
    port = free_port()
    environment = dict(setting.split("=", 1) for setting in settings) | {"HTTP_PORT": str(port), "INSTANCE": "another"}
    command = sys.executable, "-m", service.replace("-", "_"), "serve", "--role", role
    async with serving(port, *command, env=environment) as url:
        yield url


async def subscribe(seller: Shop, count: int) -> list[str]:
    """Subscriptions of one customer, as many as wanted, each paid for its first period."""
    customer = await seller.customer()
    made: list[str] = []
    for start in range(0, count, 16):
        body = {"customer_id": customer.id, "plan_id": seller.plan}
        several = min(16, count - start)
        made += await asyncio.gather(*(seller.backend.create("subscriptions", body) for _ in range(several)))
    return made


def asked_as(visit: Visit) -> dict[str, str]:
    """The headers of a request from that visit's browser."""
    return {name: visit.browser.headers[name] for name in ("cookie", "x-csrf-token", "origin")}


__all__ = ["Customer", "Shop", "Visit", "another", "asked_as", "portal", "still", "subscribe"]
