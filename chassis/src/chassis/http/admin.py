"""The operator's HTTP application of a process: liveness, readiness, metrics and the OpenAPI document.

It has its own address, which customers and merchants cannot reach.
"""

from collections.abc import Callable
from typing import Any

from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chassis.http.app import equip
from chassis.http.service_app import ServiceApp
from chassis.runtime.health import Health


def admin_app(service: str, health: Health, description: Callable[[], dict[str, Any]] | None = None) -> ServiceApp:
    """`description` returns the OpenAPI document of the process's API, if it has one."""
    app = ServiceApp(title=f"{service}, for operators", openapi_url=None)
    equip(app, service=service)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/health/ready")
    async def ready() -> Response:
        status, body = await health.answer()
        return JSONResponse(body, status)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    if description:

        @app.get("/openapi.json")
        async def openapi() -> Response:
            return JSONResponse(description())

    return app
