"""What a request's body may be: exactly what is asked for, and small."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http.problems import Problem

MAX_BODY_BYTES = 64 * 1024


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
        too_large = Problem(413, "body_too_large", f"The body is larger than {limit} bytes", headers={"connection": "close"})
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if int(announced) > limit:
            await too_large.response()(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise too_large
            return message

        await self.app(scope, counted, send)
