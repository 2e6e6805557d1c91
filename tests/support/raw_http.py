"""HTTP on sockets: requests that no client library sends, to a server on its own thread and event loop, as in production."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvloop
from starlette.types import ASGIApp

from chassis.http.connections import ClientConnections, Limits
from chassis.http.server import Server, listen, serve


@contextmanager
def served(app: ASGIApp, limits: Limits | None = None, *, trusted_proxies: str = "") -> Iterator[int]:
    """The port on which the application is served."""
    sock, connections = listen("127.0.0.1", 0), ClientConnections(limits or Limits(), trusted_proxies)
    server = serve(app, grace_seconds=2, trusted_proxies=trusted_proxies, connections=connections)
    thread = threading.Thread(target=uvloop.run, args=(_serving(server, sock),), daemon=True)
    thread.start()
    try:
        yield sock.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server did not stop"


async def _serving(server: Server, sock: Any) -> None:
    await server.serve([sock])


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        return ", ".join(value for each, value in self.headers if each == name)

    @property
    def problem(self) -> dict[str, Any]:
        assert self.header("content-type") == "application/problem+json", self
        body: dict[str, Any] = json.loads(self.body)
        assert body["status"] == self.status
        return body


class Wire(asyncio.Protocol):
    """One connection. What has been received stays readable after the connection is lost."""

    def __init__(self) -> None:
        self.received = bytearray()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.ended = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._news.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.ended = True
        self._news.set()
        self._writable.set()

    async def send(self, data: bytes) -> None:
        """Raises OSError once the server has closed."""
        if self.ended or self.transport.is_closing():
            raise OSError("closed")
        self.transport.write(data)
        await asyncio.sleep(0)
        await self._writable.wait()

    async def take(self, end: int | bytes) -> bytes:
        """Read a number of bytes, or up to and including the separator. Raises EOFError when the server closes before."""
        while True:
            at = end if isinstance(end, int) else self.received.find(end) + len(end)
            if at <= len(self.received) and (isinstance(end, int) or end in self.received):
                data = bytes(self.received[:at])
                del self.received[:at]
                return data
            if self.ended:
                raise EOFError(f"closed after {bytes(self.received[:200])!r}")
            self._news.clear()
            await self._news.wait()

    async def answer(self, *, head_only: bool = False) -> Answer:
        """The next answer. Raises EOFError when the server closes before its end."""
        head = (await self.take(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in head[1:-2])]
        answer = Answer(int(head[0].split(" ")[1]), headers)
        if head_only or answer.status in (100, 204, 304):
            return answer
        if answer.header("transfer-encoding") == "chunked":
            while size := int(await self.take(b"\r\n"), 16):
                answer.body += (await self.take(size + 2))[:-2]
            await self.take(b"\r\n")
        else:
            answer.body = await self.take(int(answer.header("content-length")))
        return answer

    async def closed(self, seconds: float = 30) -> bytes:
        """The remaining data until the server closes."""
        async with asyncio.timeout(seconds):
            while not self.ended:
                self._news.clear()
                await self._news.wait()
        return bytes(self.received)


async def connect(port: int, source: str = "127.0.0.1") -> Wire:
    """Connect from an address of the loopback network."""
    _, wire = await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", port, local_addr=(source, 0))
    return wire


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Wire]:
    wire = await connect(port)
    try:
        yield wire
    finally:
        if not wire.ended:
            wire.transport.abort()
        await asyncio.sleep(0)  # the socket is closed by the loop


async def answer_to(port: int, data: bytes) -> Answer:
    """The first answer to data sent on a new connection."""
    async with asyncio.timeout(20), connected(port) as wire:
        await wire.send(data)
        return await wire.answer()
