"""Finds the route of a request without searching nested routers."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.convertors import Convertor
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.runtime.telemetry import name_request

_EVERYTHING: Final = re.compile("")


@dataclass(frozen=True, slots=True)
class _Target:
    """A FastAPI route with the prefixes and dependencies of the routers that include it."""

    route: APIRoute
    path: str
    endpoint: Any
    app: ASGIApp


@dataclass(frozen=True, slots=True)
class _Pattern:
    paths: re.Pattern[str]
    methods: Collection[str]
    convertors: Mapping[str, Convertor[Any]]
    target: _Target | None
    """None for a route of another kind, which FastAPI handles."""


class RouteTable:
    """Calls the route that FastAPI would choose.

    FastAPI matches a request twice per nested router: 0.1 ms for the last of sixty routes. Here an exact path is a dictionary
    lookup, and other paths are matched once per route. FastAPI redirects or refuses requests without a route.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app, self._router = app, app.router
        self._exact: dict[tuple[str, str], _Target] = {}
        self._patterns: list[_Pattern] = []
        self._built = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target: _Target | None = None
        if scope["type"] == "http" and not scope.get("root_path"):
            target, parameters = self._find(scope["method"], scope["path"])
        if target is None:
            await self._router.app(scope, receive, send)
            return
        scope.update(router=self._router, route=target.route, endpoint=target.endpoint, path_params=parameters)
        name_request(scope["method"], target.path)
        await target.app(scope, receive, send)

    def _find(self, method: str, path: str) -> tuple[_Target | None, dict[str, Any]]:
        if not self._built:
            self._build()
        if target := self._exact.get((method, path)):
            return target, {}
        for pattern in self._patterns:
            if (pattern.target is None or method in pattern.methods) and (match := pattern.paths.match(path)):
                return pattern.target, {name: each.convert(match[name]) for name, each in pattern.convertors.items()}
        return None, {}

    def _build(self) -> None:
        """Called at the first request, when the composition has added all routes."""
        for context in iter_route_contexts(self._app.routes):
            pattern = _pattern(context)
            if (
                pattern.target is None
                or pattern.convertors
                or any(each.paths.match(pattern.target.path) for each in self._patterns)
            ):
                self._patterns.append(pattern)
                continue
            for method in pattern.methods:
                self._exact.setdefault((method, pattern.target.path), pattern.target)
        self._built = True


def _pattern(context: RouteContext) -> _Pattern:
    route = context.original_route
    if not isinstance(route, APIRoute):
        return _Pattern(getattr(route, "path_regex", _EVERYTHING), (), {}, None)
    target = _Target(route, str(context.path_format), context.endpoint, context.app)
    return _Pattern(context.path_regex, context.methods or (), context.param_convertors, target)
