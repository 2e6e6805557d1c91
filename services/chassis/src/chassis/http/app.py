"""A service's HTTP application, with what every service has."""

import time
from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.health import Health
from chassis.http import problems
from chassis.http.asked import Once
from chassis.http.bodies import BodyLimit, StrictJson
from chassis.http.principal import Gatekeeper
from chassis.http.request_ids import ServiceApp
from chassis.telemetry import DURATION, REQUESTS


def create_app(
    title: str,
    *,
    service: str,
    health: Health,
    gatekeeper: Gatekeeper | None = None,
    once: Once | None = None,
    refusals: problems.Refusals | None = None,
    larger_bodies: Mapping[str, int] | None = None,
) -> FastAPI:
    """An application that answers errors with problems, takes bodies up to 64 KiB, and can be watched.

    `gatekeeper` authenticates whoever asks; `once` is the event store's, for plain tables under an idempotency key;
    `refusals` says what each refusal of the domain is answered with. `larger_bodies` names the
    paths that take more, and how many bytes.
    """
    app = ServiceApp(
        title=title,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": True, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.gatekeeper, app.state.once, app.state.refusals = gatekeeper, once, refusals or {}
    problems.install(app, app.state.refusals)
    app.add_middleware(StrictJson)
    app.add_middleware(BodyLimit, larger=larger_bodies or {})
    app.add_middleware(Measured, service=service)
    _watch(app, health)
    return app


class Measured:
    """Counts and times every answer, by route, never by path: a path may hold a secret, and there are too many."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, counted = time.perf_counter(), False

        async def answered(message: Message) -> None:
            nonlocal counted
            if message["type"] == "http.response.start":
                counted = True
                count(message["status"])
            await send(message)

        def count(status: int) -> None:
            route = getattr(scope.get("route"), "path", "unmatched")
            DURATION.labels(self.service, scope["method"], route).observe(time.perf_counter() - began)
            REQUESTS.labels(self.service, scope["method"], route, status).inc()

        try:
            await self.app(scope, receive, answered)
        except Exception:
            if not counted:
                count(500)  # answered further out
            raise


def _watch(app: FastAPI, health: Health) -> None:
    @app.get("/health/live", include_in_schema=False)
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/health/ready", include_in_schema=False)
    async def ready() -> Response:
        status, body = await health.answer()
        return JSONResponse(body, status)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
