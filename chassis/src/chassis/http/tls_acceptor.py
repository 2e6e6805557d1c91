"""Accepts connections with TLS. A connection counts for the limits before its handshake is complete, and has a deadline.

The event loop's own server with TLS would create a protocol only after the handshake, so silent clients would not count.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog

from chassis.http.connections import CUT, ClientConnections
from chassis.runtime.faults import describe_error

_CLOSE_SECONDS = 2.0
"""How long a client may take to confirm the end of a connection."""
_PAUSE_SECONDS = 1.0
"""After an accept that failed, for example without a free file descriptor."""

log = structlog.get_logger()


class _Handshake:
    """What the registry needs of a connection until its handshake is complete."""

    def __init__(self, address: str, now: float, seconds: float) -> None:
        self.address, self.since, self.deadline = address, now, now + seconds
        self.task: asyncio.Task[None] | None = None

    def expire(self) -> None:
        self.evict()

    def evict(self) -> None:
        if self.task:
            self.task.cancel()


class TlsAcceptor:
    def __init__(self, context: ssl.SSLContext, registry: ClientConnections, protocol: Callable[[], Any]) -> None:
        """`protocol` creates the protocol of the decrypted connection."""
        self._context, self._registry, self._protocol = context, registry, protocol

    async def run(self, listening: socket.socket) -> None:
        """Accept connections until the task is cancelled, which also ends handshakes."""
        loop, seconds = asyncio.get_running_loop(), self._registry.limits.head_seconds
        listening.setblocking(False)
        async with asyncio.TaskGroup() as handshakes:
            while True:
                try:
                    client, peer = await loop.sock_accept(listening)
                except OSError as error:
                    log.error("http.not_accepted", error=describe_error(error))
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
                handshake = _Handshake(self._registry.address_of(peer[0]), loop.time(), seconds)
                if not self._registry.admit(handshake):
                    client.close()
                    continue
                self._registry.wait(handshake)
                handshake.task = handshakes.create_task(self._complete(client, seconds))
                handshake.task.add_done_callback(partial(self._end, handshake, client))

    async def _complete(self, client: socket.socket, seconds: float) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                client,
                ssl=self._context,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=_CLOSE_SECONDS,
            )
        except OSError:
            # The client ended the connection, took too long, does not speak TLS or rejects the certificate.
            CUT.labels("handshake").inc()
            client.close()

    def _end(self, handshake: _Handshake, client: socket.socket, task: asyncio.Task[None]) -> None:
        self._registry.remove(handshake)
        if task.cancelled():
            CUT.labels("handshake").inc()
            client.close()
