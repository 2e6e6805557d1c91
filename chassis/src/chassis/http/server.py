"""uvicorn with limits on connections. The process handles signals: uvicorn would raise them again, and the exit code would not
be 0.
"""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from chassis.http.addresses import NoTrustedProxy
from chassis.http.connections import ClientConnections, Limits
from chassis.http.protocol import BoundedProtocol
from chassis.http.tls_acceptor import TlsAcceptor
from chassis.runtime.wait import wait_for_event
from chassis.tls import ListenerCertificate

BACKLOG: Final = 2048

log = structlog.get_logger()


class Server(uvicorn.Server):
    """Serves until `should_exit` is set. Does not handle signals."""

    def __init__(
        self, config: uvicorn.Config, connections: ClientConnections, certificate: ListenerCertificate | None = None
    ) -> None:
        self._exit, self._exiting = asyncio.Event(), False
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(config)
        self._connections, self._certificate = connections, certificate
        self._accepting: list[asyncio.Task[None]] = []

    @property
    def should_exit(self) -> bool:
        return self._exiting

    @should_exit.setter
    def should_exit(self, value: bool) -> None:
        """As in uvicorn, other threads may set it."""
        self._exiting = value
        if value and self._loop is not None:
            self._loop.call_soon_threadsafe(self._exit.set)

    async def main_loop(self) -> None:
        """Tick once per second for the date header, and immediately to exit. uvicorn ticks ten times per second."""
        while not await self.on_tick(0):
            await wait_for_event(self._exit, 1.0)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as tasks:
                sweeping = tasks.create_task(self._sweep())
                self._tasks = tasks
                await super().serve(sockets)
                sweeping.cancel()
        finally:
            self._loop = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._certificate is None:
            await super().startup(sockets)
            return
        protocol: Any = self.config.http_protocol_class
        state = self.lifespan.state
        create = partial(protocol, config=self.config, server_state=self.server_state, app_state=state)
        acceptor = TlsAcceptor(self._certificate.context, self._connections, create)
        self._accepting = [self._tasks.create_task(acceptor.run(one)) for one in sockets or []]
        self.servers, self.started = [], True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for accepting in self._accepting:
            accepting.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            self._connections.sweep(asyncio.get_running_loop().time())

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    app: ASGIApp,
    *,
    grace_seconds: float,
    trusted_proxies: str = "",
    connections: ClientConnections | None = None,
    certificate: ListenerCertificate | None = None,
) -> Server:
    """A server for the application. At exit, current requests have `grace_seconds` to finish.

    Behind `trusted_proxies`, the client is the last address in X-Forwarded-For that is not a trusted proxy. Servers with the
    same `connections` share its limits. With a `certificate` the server speaks HTTPS only.
    """
    connections = connections or ClientConnections(Limits(), trusted_proxies)
    protocol: Any = partial(BoundedProtocol, registry=connections)
    config = uvicorn.Config(
        app if trusted_proxies else NoTrustedProxy(app),
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        lifespan="off",
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(grace_seconds),
    )
    return Server(config, connections, certificate)


def allow_open_files(count: int) -> None:
    """Raise the process's limit of open files as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return
    reachable = count if hard == resource.RLIM_INFINITY else min(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    if reachable < count:
        log.warning("http.too_few_open_files", wanted=count, allowed=reachable)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError if the port is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        listening.bind((host, port))
        # Listen immediately: before that, a second process could bind the same address and fail only when it serves.
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    listening.set_inheritable(False)
    return listening
