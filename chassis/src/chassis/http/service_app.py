"""The application of each origin of a service: FastAPI with request ids, traces and fast routing."""

from contextlib import nullcontext
from typing import Any, Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import Message, Receive, Scope, Send

from chassis.http.routes import RouteTable
from chassis.request_ids import HEADER, Broken
from chassis.runtime import telemetry
from chassis.scope import new_request_id, scoped

_HEADER: Final = HEADER.encode()


class ServiceApp(FastAPI):
    """Assigns each request an id and a trace. FastAPI's own telemetry is used only if spans are exported.

    Only services can pass on a request id (`chassis.request_ids.adopt`), so that no client can write one into the log.
    """

    def __init__(self, **options: Any) -> None:
        self._exports = telemetry.exports()
        recorded: TelemetryConfig = {"tracing": self._exports, "metrics": False, "logs": False, "operation_spans": False}
        super().__init__(docs_url=None, redoc_url=None, telemetry=recorded, **options)
        self.router.middleware_stack = RouteTable(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        complete = False
        trace = nullcontext() if self._exports else telemetry.continued(scope["headers"])
        with trace, scoped(request_id=new_request_id()) as request:

            async def send_with_id(message: Message) -> None:
                nonlocal complete
                if message["type"] == "http.response.start":
                    identity = (_HEADER, (request.request_id or "").encode())
                    message = {**message, "headers": [*message.get("headers", ()), identity]}
                else:
                    complete = not message.get("more_body", False)
                await send(message)

            try:
                await super().__call__(scope, receive, send_with_id)
            except Exception as error:
                # The error is already logged and its response sent; Starlette raises it nevertheless.
                if not complete:
                    raise Broken from error
