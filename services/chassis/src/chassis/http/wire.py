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
    """The transport as uvicorn sees it: `close` waits until the client has read the answer."""

    def __init__(self, transport: asyncio.Transport, protocol: Closing) -> None:
        self._transport, self._protocol = transport, protocol
        self.write, self.get_extra_info = transport.write, transport.get_extra_info
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading
        self.abort = transport.abort

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
