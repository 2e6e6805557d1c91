"""What a request must be before an application sees it: one reading for every server, proxy and parser on its way."""

import re
from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http.bodies import is_strict
from chassis.http.problems import Problem

MAX_BODY_BYTES: Final = 64 * 1024
ONCE: Final = frozenset(
    (
        *(b"host", b"authorization", b"idempotency-key", b"content-type", b"content-length", b"content-encoding"),
        *(b"transfer-encoding", b"origin", b"sec-fetch-site", b"x-csrf-token"),
    )
)
"""Header fields that mean something else to a reader of the first than to a reader of the last."""
_BODY: Final = frozenset((b"content-type", b"content-length", b"transfer-encoding", b"content-encoding"))
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=:%\[\]-]*")
_MALFORMED: Final = b"{"


class StrictRequests:
    """Refuses ambiguous requests and large bodies; passes JSON on only where every reader understands it alike.

    JSON that is not UTF-8, or has a name twice in an object, reaches the application as malformed JSON. FastAPI's own limit
    answers in plain text, before any error handler is asked.
    """

    def __init__(self, app: ASGIApp, larger: Mapping[str, int] | None = None, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        """`larger`: path -> its own limit, in bytes."""
        self.app, self.larger, self.max_body_bytes = app, larger or {}, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        found: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in ONCE:
                if name in found:
                    await duplicated(name).response()(scope, receive, send)
                    return
                found[name] = value
        if not _HOST.fullmatch(found.get(b"host", b"" if scope["http_version"] == "1.0" else b" ")):
            await malformed("The header Host is missing or names no host").response()(scope, receive, send)
        elif found.keys().isdisjoint(_BODY):
            await self.app(scope, receive, send)
        elif problem := _unframed(scope, found):
            await problem.response()(scope, receive, send)
        else:
            await self.app(scope, self._readable(scope, receive, found), send)

    def _readable(self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]) -> Receive:
        """Raises its problems where the body is read, so that the application answers them in its own way."""
        limit, seen = self.larger.get(scope["path"], self.max_body_bytes), 0
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


def _unframed(scope: Scope, headers: Mapping[bytes, bytes]) -> Problem | None:
    """What is wrong with how the end of the body is announced."""
    coding = headers.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or b"content-length" in headers or scope["http_version"] == "1.0"):
        return malformed("Only chunked transfer coding is understood, without Content-Length")
    if not headers.get(b"content-length", b"0").isdigit():
        return malformed("Content-Length is not a number")
    return None


def strict_json(receive: Receive) -> Receive:
    """Gives the body as a whole, or malformed JSON in its place."""
    whole = False

    async def strict() -> Message:
        nonlocal whole
        message = await receive()
        if whole or message["type"] != "http.request":
            return message
        body = message.get("body", b"")
        while message.get("more_body", False):
            message = await receive()
            if message["type"] != "http.request":
                return message
            body += message.get("body", b"")
        whole = True
        return {"type": "http.request", "body": body if not body or is_strict(body) else _MALFORMED, "more_body": False}

    return strict


def too_large(limit: int) -> Problem:
    return Problem(413, "body_too_large", f"The body is larger than {limit} bytes", headers={"connection": "close"})


def unsupported_coding() -> Problem:
    title = "Bodies are taken without a content coding"
    return Problem(415, "unsupported_content_encoding", title, headers={"accept-encoding": "identity"})


def duplicated(name: bytes) -> Problem:
    detail = f"The header {name.decode('latin-1')} was sent more than once"
    return Problem(
        400, "duplicate_header", "A header that may be sent once was repeated", detail, headers={"connection": "close"}
    )


def malformed(detail: str) -> Problem:
    return Problem(400, "malformed_request", "The request is not HTTP/1.1", detail, headers={"connection": "close"})
