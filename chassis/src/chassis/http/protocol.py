"""HTTP/1.1 on one connection: uvicorn's httptools protocol with limits on size and time.

httptools buffers a header field of any size, and uvicorn has no time limit for a request. This class overrides the callbacks;
uvicorn implements requests, responses and pipelining.
"""

import asyncio
from enum import Enum, auto
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from chassis.http.connections import CUT, ClientConnections
from chassis.http.methods import METHODS
from chassis.http.problems import Problem, too_busy
from chassis.http.wire import Transport, problem_bytes

PIPELINED_REQUESTS_MAX: Final = 16
"""Queued requests per connection."""
HEADER_FIELDS_MAX: Final = 200
"""8 000 empty fields fit into 32 KiB, and a lookup among them takes a millisecond."""
LINGER_SECONDS: Final = 2
LINGER_BYTES: Final = 8 * 1024 * 1024
"""How long, and how many bytes, a connection is still read after its last response. An immediate close would reset it, and a
client that is still sending could lose the response.
"""


class Stage(Enum):
    """What the connection waits for."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    RESPONSE = auto()
    """The application's response."""
    STALL = auto()
    """The client, to read the response."""
    CLOSE = auto()
    """The client, to read the last response and to close."""


class _Refused(Exception):
    """Stops the parser from within a callback."""


class BoundedProtocol(HttpToolsProtocol):
    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        registry: ClientConnections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        limits = registry.limits
        self.registry, self.limits = registry, limits
        self.address, self.since, self.deadline = "", 0.0, 0.0
        self._seconds = {
            Stage.IDLE: limits.idle_seconds,
            Stage.HEAD: limits.head_seconds,
            Stage.BODY: limits.body_seconds,
            Stage.STALL: limits.stall_seconds,
            Stage.CLOSE: limits.stall_seconds,
        }
        self._request, self._stage = Stage.HEAD, Stage.IDLE
        self._running: RequestResponseCycle | None = None
        self._keep_alive = True
        self._read = self._body = 0
        """`_read`: bytes of the head, or of the body with its framing. `_body`: bytes of the body without framing."""
        self._unread = 0
        """Bytes received after the last response."""
        self._broken = self.closing = False

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._line, self._out = transport, Transport(transport, self, self.loop)
        self.transport = self._out  # type: ignore[assignment]
        self.address = self.registry.address_of(self.client[0] if self.client else None)
        if not self.registry.admit(self):
            self._request = Stage.IDLE
            self._line.write(problem_bytes(too_busy()))
            self.finish()
            return
        self._update_stage()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closing = True
        running = self._running
        if running is not None and running is not self.cycle and not running.response_complete:
            running.disconnected = True  # uvicorn notifies only the latest request, which may still be queued
            running.message_event.set()
        super().connection_lost(exc)
        self.pipeline.clear()
        self.registry.remove(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._update_stage()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._update_stage()

    def finish(self) -> None:
        """Close after the written data is sent and the client's remaining data is read."""
        if self.closing:
            return
        self.closing = True
        self._out.flush()
        if self._request is Stage.IDLE and not self._broken:
            self._line.close()
        else:
            self._broken = True
            self._seconds[Stage.CLOSE] = LINGER_SECONDS
            self.flow.resume_reading()
            if self._line.can_write_eof():  # TLS has no half-closed connections; the client is still read
                self._line.write_eof()
        self._update_stage()

    def evict(self) -> None:
        self._line.abort()

    def expire(self) -> None:
        match self._stage:
            case Stage.BODY:
                self._refuse(Problem(408, "request_timeout", "The body was not received in time"))
            case Stage.HEAD if self._read:
                self._refuse(Problem(408, "request_timeout", "The request was not received in time"))
            case Stage.HEAD | Stage.IDLE:
                self._line.close()
                self.closing = True
                self._update_stage()
            case Stage.STALL:
                CUT.labels("stalled").inc()
                self._line.abort()
            case _:
                self._line.abort()

    def shutdown(self) -> None:
        """Finish the current requests, close everything else."""
        self._keep_alive = False
        if self._running is None or self._running.response_complete:
            self._out.flush()
            self._line.close()
        else:
            self._running.keep_alive = False

    # Receiving

    def data_received(self, data: bytes) -> None:
        if self._broken:
            self._unread += len(data)
            if self._unread > LINGER_BYTES:
                self._line.abort()
            return
        try:
            while data and not self._broken:
                data = self._feed(data)
        except httptools.HttpParserUpgrade:
            self._broken = True
        except httptools.HttpParserError:
            if not self._broken:
                self._refuse(Problem(400, "malformed_request", "The request is not HTTP/1.1"))
        self._update_stage()

    def _feed(self, data: bytes) -> bytes:
        """Parse as much as the limits allow; return the rest."""
        if self._request is Stage.IDLE:
            self._request, self._read = Stage.HEAD, 0
        before, limit = self._request, self.limits.head_bytes
        room = limit - self._read if before is Stage.HEAD else limit
        piece = data if len(data) <= room else data[:room]
        self._read += len(piece)
        self.parser.feed_data(piece)
        if before is Stage.HEAD:
            if self._request is Stage.HEAD and self._read >= limit:
                self._refuse(Problem(431, "request_header_fields_too_large", f"Request line and headers exceed {limit} bytes"))
        elif self._request is Stage.BODY and self._read - self._body > limit + self._body:
            self._refuse(Problem(400, "malformed_request", "The framing of the body is larger than the body"))
        return data[room:]

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._request is Stage.IDLE:  # a pipelined request; its share of this piece is unknown
            self._request, self._read = Stage.HEAD, 0

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= PIPELINED_REQUESTS_MAX:
            self._refuse(Problem(400, "malformed_request", "Too many requests are pipelined"))
            raise _Refused
        if len(self.headers) > HEADER_FIELDS_MAX:
            self._refuse(Problem(431, "request_header_fields_too_large", f"More than {HEADER_FIELDS_MAX} header fields"))
            raise _Refused
        version, upgrade = self.parser.get_http_version(), self.parser.should_upgrade()
        if version not in ("1.0", "1.1") or (upgrade and self._is_unsupported()):
            raise _Refused
        if not self.url.startswith(b"/"):
            self._resolve_target()
        self.expect_100_continue = self.expect_100_continue and version == "1.1"
        super().on_headers_complete()
        self.headers = []  # trailers use the same callback, after the application has received its headers
        self._request, self._read, self._body = Stage.BODY, 0, 0
        # A response before the end of the body closes the connection: the bytes after it may not be a request.
        self._keep_alive = self._keep_alive and self.cycle.keep_alive and not upgrade
        self.cycle.keep_alive = False

    def _is_unsupported(self) -> bool:
        """Whether the request is a CONNECT, or an upgrade with a body, which the parser does not read."""
        return self.parser.get_method() == b"CONNECT" or any(
            name in (b"content-length", b"transfer-encoding") for name, _ in self.headers
        )

    def _resolve_target(self) -> None:
        """Handle a target that is not a path (RFC 9112, 3.2). The host of an absolute target overrides the Host header."""
        if self.url == b"*" and self.parser.get_method() == b"OPTIONS":
            self._respond(b"HTTP/1.1 204 No Content\r\nallow: " + ", ".join(METHODS).encode() + b"\r\nconnection: close\r\n\r\n")
            raise _Refused
        target = httptools.parse_url(self.url)
        if target.host is None or target.userinfo is not None:
            raise _Refused
        self.url = (target.path or b"/") + (b"?" + target.query if target.query else b"")
        host = b"[%b]" % target.host if b":" in target.host else target.host
        host += b":%d" % target.port if target.port is not None else b""
        self.headers[:] = [(b"host", host) if name == b"host" else (name, value) for name, value in self.headers]

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._request = Stage.IDLE
        self.cycle.keep_alive = self._keep_alive
        super().on_message_complete()

    def _should_upgrade(self) -> bool:
        """Never. A client must accept a normal response to an upgrade request."""
        return False

    # Sending

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.closing:
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._broken:
            self.finish()
        self._update_stage()

    def _refuse(self, problem: Problem) -> None:
        """Respond instead of the application, unless it has started to respond, and close."""
        CUT.labels(problem.code).inc()
        running = self._running
        self.pipeline.clear()
        self._broken = True
        if running is not None and not running.response_complete:
            if running is not self.cycle or not running.more_body:
                running.keep_alive = False  # an earlier, complete request gets its response first
                return
            running.disconnected = True
            running.message_event.set()
            if running.response_started:
                self._line.abort()
                return
        self._respond(problem_bytes(problem))

    def _respond(self, content: bytes) -> None:
        self._broken = True
        self._out.flush()
        self._line.write(content)
        self.finish()

    def _update_stage(self) -> None:
        """Set a new deadline if the connection now waits for something else."""
        stage = self._current_stage()
        if stage is self._stage:
            return
        self._stage = stage
        if stage is Stage.RESPONSE:
            self.registry.proceed(self)
        else:
            self.since = self.loop.time()
            self.deadline = self.since + self._seconds[stage]
            self.registry.wait(self)

    def _current_stage(self) -> Stage:
        if self.closing:
            return Stage.CLOSE
        if self._running is None or self._running.response_complete:
            return self._request
        if self.flow.write_paused:
            return Stage.STALL
        if self._request is Stage.BODY and self._running is self.cycle:
            return Stage.BODY
        return Stage.RESPONSE
