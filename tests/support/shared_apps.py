"""Applications that are built once and serve the fakes of many tests: building their routes takes longer than most tests."""

from contextvars import ContextVar
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send


class Placeholder:
    """Stands for a fake while an application is built. `with_fakes` decides which one a request uses."""

    def __init__(self) -> None:
        self.current: ContextVar[object] = ContextVar("current")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.current.get(), name)


def with_fakes(app: ASGIApp, *fakes: tuple[Placeholder, object]) -> ASGIApp:
    """The application with these fakes behind its placeholders."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        tokens = [(placeholder, placeholder.current.set(fake)) for placeholder, fake in fakes]
        try:
            await app(scope, receive, send)
        finally:
            for placeholder, token in tokens:
                placeholder.current.reset(token)

    return handle
