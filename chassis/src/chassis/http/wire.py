"""Below ASGI: the transport that uvicorn writes to, and problems as bytes for responses without an application."""

import asyncio
import json
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from chassis.http.problems import MEDIA_TYPE, Problem


class Closing(Protocol):
    closing: bool

    def finish(self) -> None:
        """Close when the client has had time to read the last response."""


class Transport:
    """The transport that uvicorn uses. It sends a head together with its body, and `close` waits until the client has read the
    response.

    uvicorn writes head and body separately, which would take two system calls and two packets.
    """

    def __init__(self, transport: asyncio.Transport, protocol: Closing, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._protocol, self._loop = transport, protocol, loop
        self._held = b""
        self._scheduled: asyncio.Handle | None = None
        self.get_extra_info = transport.get_extra_info
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading
        self.abort = transport.abort

    def write(self, data: bytes) -> None:
        """Buffer one piece until the next one, or until the next iteration of the event loop for a stream's head."""
        if self._scheduled is None:
            self._held, self._scheduled = data, self._loop.call_soon(self.flush)
        else:
            self._held += data
            self.flush()

    def flush(self) -> None:
        """Send the buffered data. Call it before using the underlying transport."""
        if self._scheduled is None:
            return
        self._scheduled.cancel()
        held, self._held, self._scheduled = self._held, b"", None
        if not self._transport.is_closing():
            self._transport.write(held)

    def is_closing(self) -> bool:
        return self._protocol.closing

    def close(self) -> None:
        self._protocol.finish()


def problem_bytes(problem: Problem) -> bytes:
    """The complete response."""
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
