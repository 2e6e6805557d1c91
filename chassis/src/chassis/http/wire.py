"""Below ASGI: how uvicorn closes a connection of ours, and a problem as bytes where no application can answer."""

import asyncio
import json
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from chassis.http.problems import MEDIA_TYPE, Problem


class Closing(Protocol):
    closing: bool

    def finish(self) -> None:
        """Closes once the client can have read the last answer."""


class Transport:
    """The transport as uvicorn sees it: a head leaves with its body, and `close` waits until the client has read the answer.

    uvicorn writes the head of an answer and its body apart: two system calls, and two packets for the client to wake up for.
    """

    def __init__(self, transport: asyncio.Transport, protocol: Closing, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._protocol, self._loop = transport, protocol, loop
        self._held = b""
        self._due: asyncio.Handle | None = None
        self.get_extra_info = transport.get_extra_info
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading
        self.abort = transport.abort

    def write(self, data: bytes) -> None:
        """Holds one piece for the next, until the loop's next iteration at the latest: a stream's head does not wait."""
        if self._due is None:
            self._held, self._due = data, self._loop.call_soon(self.flush)
        else:
            self._held += data
            self.flush()

    def flush(self) -> None:
        """Sends what is held. Before anything is done to the transport itself."""
        if self._due is None:
            return
        self._due.cancel()
        held, self._held, self._due = self._held, b"", None
        if not self._transport.is_closing():
            self._transport.write(held)

    def is_closing(self) -> bool:
        return self._protocol.closing

    def close(self) -> None:
        self._protocol.finish()


def raw(problem: Problem) -> bytes:
    """The whole answer as bytes."""
    body = json.dumps(problem.body(), separators=(",", ":")).encode()
    fields = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **problem.headers,
        "connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return STATUS_LINE[problem.status] + head.encode() + b"\r\n" + body
