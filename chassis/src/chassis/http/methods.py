"""HEAD and OPTIONS for every route, and the methods of a path."""

import asyncio
from collections.abc import Sequence
from re import Pattern
from typing import Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ANY_PATH: Final = "/{path}"


class ImplicitMethods:
    """Serves HEAD as GET without body, and OPTIONS with the methods of the path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self.app({**scope, "method": "GET"}, receive, _without_body(send))
        elif scope["method"] == "OPTIONS" and (methods := methods_of(scope["app"], scope["path"])):
            await Response(status_code=204, headers={"allow": ", ".join(methods)})(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def methods_of(app: FastAPI, path: str) -> Sequence[str]:
    """The methods of a path; empty if no route matches. A catch-all route is not considered."""
    if (table := getattr(app.state, "methods", None)) is None:
        table = app.state.methods = _table(app)
    methods = {method for pattern, allowed in table if pattern.match(path) for method in allowed}
    if not methods:
        return ()
    methods |= {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    return [method for method in METHODS if method in methods]


def _table(app: FastAPI) -> list[tuple[Pattern[str], frozenset[str]]]:
    routes = [each for each in iter_route_contexts(app.routes) if each.methods and each.path_format != _ANY_PATH]
    return [(each.path_regex, frozenset(each.methods or ())) for each in routes]


def _without_body(send: Send) -> Send:
    """End the response after its headers, so that a stream ends too."""
    ended = False

    async def headers_only(message: Message) -> None:
        nonlocal ended
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            ended = True
        elif not ended:
            await send(message)
        else:
            await asyncio.sleep(0)  # lets a stream that never awaits notice the disconnect

    return headers_only
