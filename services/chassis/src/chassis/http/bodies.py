"""What a request's body may be: exactly what is asked for, and small."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http.problems import Problem

MAX_BODY_BYTES = 64 * 1024
_MALFORMED = b"{"


class StrictBody(BaseModel):
    """A request's body: a field that nobody knows is an error, not a wish. What was sent is never repeated in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BodyLimit:
    """Refuses larger bodies with the problem 413: by their announced length, or as soon as more has come in.

    FastAPI's own limit answers in plain text, before any error handler is asked.
    """

    def __init__(self, app: ASGIApp, larger: Mapping[str, int]) -> None:
        """`larger`: path -> its own limit, in bytes."""
        self.app, self.larger = app, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.larger.get(scope["path"], MAX_BODY_BYTES)
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if int(announced) > limit:
            await _too_large(limit).response()(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _too_large(limit)
            return message

        await self.app(scope, counted, send)


def _too_large(limit: int) -> Problem:
    return Problem(413, "body_too_large", f"The body is larger than {limit} bytes", headers={"connection": "close"})


class StrictJson:
    """Lets JSON through that every reader understands alike: UTF-8, and each name once in an object.

    Anything else reaches the application as malformed JSON, and is answered like it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kinds = [value.lower() for name, value in scope.get("headers", ()) if name == b"content-type"]
        if scope["type"] != "http" or not any(b"json" in kind for kind in kinds):
            await self.app(scope, receive, send)
            return
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

        await self.app(scope, strict, send)


def is_strict(body: bytes) -> bool:
    try:
        json.loads(body.decode(), object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        return False
    return True


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found
