"""What an operator asks of a process: whether it lives, whether it can serve, its metrics, and what its API is.

Served on an address of its own, which no customer and no merchant reaches.
"""

from collections.abc import Callable
from typing import Any

from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chassis.http.app import equip
from chassis.http.service_app import ServiceApp
from chassis.runtime.health import Health


def admin_app(service: str, health: Health, description: Callable[[], dict[str, Any]] | None = None) -> ServiceApp:
    """`description` makes the OpenAPI document of the process's API, where it has one."""
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
