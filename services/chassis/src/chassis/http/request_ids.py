"""Every request has an id, which its answer returns and every log line of it carries."""

import re
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from chassis.scope import SCOPE, new_request_id, scoped

HEADER: Final = "x-request-id"
_WELL_FORMED: Final = re.compile(r"[0-9a-f]{12,32}")


class Broken(Exception):
    """An answer broke off after it had begun: it has been logged, and the server only has to end the connection."""


class ServiceApp(FastAPI):
    """An origin's application with its outermost layer, which every answer passes.

    An id from outside is not taken over, so that nobody can write one into the log: only that of a service, see `adopt`.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        complete = False
        with scoped(request_id=new_request_id()) as request:

            async def identified(message: Message) -> None:
                nonlocal complete
                if message["type"] == "http.response.start":
                    identity = (b"x-request-id", (request.request_id or "").encode())
                    message = {**message, "headers": [*message.get("headers", ()), identity]}
                else:
                    complete = not message.get("more_body", False)
                await send(message)

            try:
                await super().__call__(scope, receive, identified)
            except Exception as error:
                # What nothing else answered has been answered and logged by now, and is raised all the same.
                if not complete:
                    raise Broken from error


def adopt(request: Request) -> None:
    """Continues under the id that another service gave its request: for callers that have shown that they are one."""
    given, here = request.headers.get(HEADER, ""), SCOPE.get()
    if here is not None and _WELL_FORMED.fullmatch(given):
        here.request_id = given
