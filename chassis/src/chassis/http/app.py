"""The HTTP application of a service: problems, strict requests, metrics."""

import asyncio
import time
from collections.abc import Mapping

from fastapi import FastAPI
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http import problems, security_events
from chassis.http.authentication import SCHEMES, Authenticator, Peers
from chassis.http.commands import RunOnce
from chassis.http.description import describe
from chassis.http.methods import ImplicitMethods
from chassis.http.requests import MAX_BODY_BYTES, StrictRequests
from chassis.http.service_app import ServiceApp
from chassis.runtime.telemetry import DURATION, REQUESTS


def create_app(
    title: str,
    *,
    service: str,
    authenticator: Authenticator | None = None,
    once: RunOnce | None = None,
    refusals: problems.Refusals | None = None,
    larger_bodies: Mapping[str, int] | None = None,
    openapi_url: str | None = "/openapi.json",
    schemes: dict[str, dict[str, str]] | None = None,
    peers: Peers | None = None,
) -> FastAPI:
    """An application that answers errors with problems and accepts bodies up to 64 KiB.

    `once` runs work on plain tables under an idempotency key. `refusals`: the problem for each refusal of the domain.
    `larger_bodies`: limits in bytes by path; a path that ends with `/` stands for all below it. `openapi_url`: None to not serve
    the OpenAPI document. `schemes`: credentials in that document in addition to those of `chassis.http.authentication`. `peers`:
    the routes that each other service may call; none by default.
    """
    app = ServiceApp(title=title, openapi_url=openapi_url)
    app.state.authenticator, app.state.once, app.state.refusals = authenticator, once, refusals or {}
    app.state.peers = peers or {}
    app.openapi = describe(app, SCHEMES | (schemes or {}))  # type: ignore[method-assign]
    equip(app, service=service, larger_bodies=larger_bodies)
    return app


def equip(
    app: FastAPI, *, service: str, larger_bodies: Mapping[str, int] | None = None, max_body_bytes: int = MAX_BODY_BYTES
) -> None:
    """Add what every application has: problems, strict requests, metrics, and the methods HEAD and OPTIONS."""
    problems.install(app, getattr(app.state, "refusals", {}))
    app.add_middleware(StrictRequests, larger=larger_bodies, max_body_bytes=max_body_bytes)
    app.add_middleware(RequestMetrics, service=service)
    app.add_middleware(ImplicitMethods)


class RequestMetrics:
    """Counts and times responses by route. Not by path: a path may contain a secret, and there are too many."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app, self.service = app, service
        self._known: dict[tuple[str, str, int], tuple[Histogram, Counter]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, started, facts = time.perf_counter(), False, security_events.start_request()

        async def counting_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                count(message["status"])
            await send(message)

        def count(status: int) -> None:
            route = getattr(scope.get("route"), "path", "unmatched")
            duration, requests = self._metrics(scope["method"], route, status)
            duration.observe(time.perf_counter() - began)
            requests.inc()
            if status in security_events.WATCHED:
                security_events.emit_for_response(scope, status, route, facts)

        try:
            await self.app(scope, receive, counting_send)
        except asyncio.CancelledError:
            if not started:  # the process stops; the server's default response would be plain text
                await problems.interrupted(scope["method"]).response()(scope, receive, send)
            raise
        except Exception:
            if not started:
                count(500)  # an outer handler sends the response
            raise

    def _metrics(self, method: str, route: str, status: int) -> tuple[Histogram, Counter]:
        """Cached: a label lookup in prometheus_client takes 7 µs."""
        if (known := self._known.get((method, route, status))) is None:
            known = DURATION.labels(self.service, method, route), REQUESTS.labels(self.service, method, route, status)
            self._known[method, route, status] = known
        return known
