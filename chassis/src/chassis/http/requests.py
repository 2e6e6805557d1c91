"""Rejects ambiguous requests, which servers, proxies and parsers could read in different ways."""

import re
from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http.bodies import is_strict
from chassis.http.problems import Problem

MAX_BODY_BYTES: Final = 64 * 1024
SINGLE_HEADERS: Final = frozenset(
    (
        *(b"host", b"authorization", b"idempotency-key", b"content-type", b"content-length", b"content-encoding"),
        *(b"transfer-encoding", b"origin", b"sec-fetch-site", b"x-csrf-token"),
    )
)
"""Header fields that may occur once: some parsers use the first value, others the last."""
_BODY: Final = frozenset((b"content-type", b"content-length", b"transfer-encoding", b"content-encoding"))
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=:%\[\]-]*")
_MALFORMED: Final = b"{"


class StrictRequests:
    """Rejects ambiguous requests and large bodies.

    JSON that is not UTF-8, or that has duplicate names in an object, reaches the application as malformed JSON. FastAPI's own
    limit responds in plain text and does not call error handlers.
    """

    def __init__(self, app: ASGIApp, larger: Mapping[str, int] | None = None, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        """`larger`: limits in bytes by path. A path that ends with `/` stands for all paths below it."""
        self.app, self.larger, self.max_body_bytes = app, larger or {}, max_body_bytes
        self._below = [(path, limit) for path, limit in self.larger.items() if path.endswith("/")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in SINGLE_HEADERS:
                if name in headers:
                    await duplicated(name).response()(scope, receive, send)
                    return
                headers[name] = value
        if not _HOST.fullmatch(headers.get(b"host", b"" if scope["http_version"] == "1.0" else b" ")):
            await malformed("The header Host is missing or names no host").response()(scope, receive, send)
        elif headers.keys().isdisjoint(_BODY):
            await self.app(scope, receive, send)
        elif problem := _framing_problem(scope, headers):
            await problem.response()(scope, receive, send)
        else:
            await self.app(scope, self._checked_body(scope, receive, headers), send)

    def _checked_body(self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]) -> Receive:
        """Raises problems when the body is read, so that the application's error handlers respond."""
        limit, seen = self._limit(scope["path"]), 0
        announced = int(headers.get(b"content-length", b"0")[:20])
        coded = headers.get(b"content-encoding", b"identity").lower() != b"identity"

        async def counted() -> Message:
            nonlocal seen
            if announced > limit:
                raise too_large(limit)
            if coded:
                raise unsupported_coding()
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise too_large(limit)
            return message

        return strict_json(counted) if b"json" in headers.get(b"content-type", b"").lower() else counted

    def _limit(self, path: str) -> int:
        below = next((limit for parent, limit in self._below if path.startswith(parent)), self.max_body_bytes)
        return self.larger.get(path, below)


def _framing_problem(scope: Scope, headers: Mapping[bytes, bytes]) -> Problem | None:
    """The problem of ambiguous or unsupported framing of the body."""
    coding = headers.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or b"content-length" in headers or scope["http_version"] == "1.0"):
        return malformed("Only chunked transfer coding is supported, without Content-Length")
    if not headers.get(b"content-length", b"0").isdigit():
        return malformed("Content-Length is not a number")
    return None


def strict_json(receive: Receive) -> Receive:
    """Receive the whole body at once; replace ambiguous JSON with malformed JSON."""
    received = False

    async def strict() -> Message:
        nonlocal received
        message = await receive()
        if received or message["type"] != "http.request":
            return message
        body = message.get("body", b"")
        while message.get("more_body", False):
            message = await receive()
            if message["type"] != "http.request":
                return message
            body += message.get("body", b"")
        received = True
        return {"type": "http.request", "body": body if not body or is_strict(body) else _MALFORMED, "more_body": False}

    return strict


def too_large(limit: int) -> Problem:
    return Problem(413, "body_too_large", f"The body is larger than {limit} bytes", headers={"connection": "close"})


def unsupported_coding() -> Problem:
    title = "Content codings are not supported in request bodies"
    return Problem(415, "unsupported_content_encoding", title, headers={"accept-encoding": "identity"})


def duplicated(name: bytes) -> Problem:
    detail = f"The header {name.decode('latin-1')} occurs more than once"
    return Problem(400, "duplicate_header", "A header that may occur once was repeated", detail, headers={"connection": "close"})


def malformed(detail: str) -> Problem:
    return Problem(400, "malformed_request", "The request is not HTTP/1.1", detail, headers={"connection": "close"})
