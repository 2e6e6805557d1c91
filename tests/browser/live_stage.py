"""A stage (the page with fakes behind it) on real ports: the portal on 127.0.0.1, the card page on localhost."""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from uuid import UUID

import uvicorn
from browser.live_payments import LivePayments
from playwright.async_api import BrowserContext, Page
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from portal_gateway.application.results import CancellationAccepted
from portal_gateway.application.session_cookie import NAME
from portal_gateway.domain.access import Session
from portal_gateway.domain.view import CustomerView, Subscription
from support.portal_page import fakes, scenes
from support.portal_page.fakes import COOKIE, TOKEN, Stage
from support.portal_page.page_objects import PortalPage

DECLINED = "4000000000000002"
MASTERCARD = "5555555555554444"


@dataclass
class LiveSubscriptions(fakes.Subscriptions):
    stage: "LiveStage | None" = None

    async def cancel(self, session: Session, subscription_id: UUID, *arguments: Any) -> CancellationAccepted:
        accepted = await super().cancel(session, subscription_id, *arguments)
        assert self.stage is not None
        self.stage.replace(scenes.ending())
        return accepted

    async def withdraw_cancellation(self, session: Session, subscription_id: UUID, key: str | None) -> Any:
        accepted = await super().withdraw_cancellation(session, subscription_id, key)
        assert self.stage is not None
        self.stage.replace(scenes.subscription())
        return accepted


class LiveStage(Stage):
    """A stage with a view that changes with each command."""

    def __init__(self, view: Any = None) -> None:
        super().__init__(view)
        self.live_payments = LivePayments(self)
        self.payments = self.live_payments  # type: ignore[assignment]
        self.subscriptions = LiveSubscriptions(self.subscriptions.preview_is, stage=self)
        self.origin, self.cards_origin = "", ""

    @property
    def link(self) -> str:
        return f"{self.origin}/enter#{TOKEN}"

    def change(self, **facts: Any) -> None:
        shown = self.views.shown
        replacement: CustomerView = {**shown.facts, **facts}  # type: ignore[typeddict-item]
        self.views.shown = replace(shown, facts=replacement, revision=shown.revision + 1)

    def replace(self, subscription: Subscription) -> None:
        """Replace one subscription of the view."""
        all_of_them = self.views.shown.facts["subscriptions"]
        self.change(subscriptions=[subscription if it["id"] == subscription["id"] else it for it in all_of_them])

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        async with _lent_address() as address:
            self.origin, self.cards_origin = address.origin, address.cards_origin
            address.portal = self.app(origin=self.origin, cards=self.cards_origin)
            address.cards = self.live_payments.cards.app(cards_url=self.cards_origin, portal_origin=self.origin)
            yield self
            self.signals.closing = True

    async def enter(self, page: Page) -> PortalPage:
        """Open the portal with the session's cookie. `Visitor` opens it with the link, which takes two pages."""
        await sign_in(page.context, self.origin)
        await page.goto(self.origin)
        return PortalPage(page)


async def sign_in(context: BrowserContext, origin: str, name: str = NAME) -> None:
    """Set the cookie of the stage's session, or of its session of an invoice link."""
    cookie = {"name": name, "value": COOKIE, "url": origin.replace("http:", "https:")}
    await context.add_cookies([{**cookie, "secure": True, "httpOnly": True, "sameSite": "Lax"}])  # type: ignore[typeddict-item]


class Address:
    """A portal's and a card page's port with running servers, which stages use one after the other.

    Starting and stopping two servers for each stage takes longer than most tests.
    """

    portal: ASGIApp | None = None
    cards: ASGIApp | None = None

    def __init__(self, portal_port: int, cards_port: int) -> None:
        self.origin, self.cards_origin = f"http://127.0.0.1:{portal_port}", f"http://localhost:{cards_port}"

    async def serve_portal(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.portal or _NO_STAGE)(scope, receive, send)

    async def serve_cards(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.cards or _NO_STAGE)(scope, receive, send)


_NO_STAGE: Final = Response(status_code=503)
_REST: Final = 3
"""So many addresses rest before one is used again: a page that outlives its stage does not reach the next stage."""
_resting: Final[deque[Address]] = deque()
_servers: Final = contextlib.AsyncExitStack()


@contextlib.asynccontextmanager
async def _lent_address() -> AsyncIterator[Address]:
    address = _resting.popleft() if len(_resting) > _REST else await _new_address()
    try:
        yield address
    finally:
        address.portal = address.cards = None
        _resting.append(address)


async def _new_address() -> Address:
    own, cards = (_servers.enter_context(free_socket()) for _ in range(2))
    address = Address(own.getsockname()[1], cards.getsockname()[1])
    await _servers.enter_async_context(served(address.serve_portal, own))
    await _servers.enter_async_context(served(address.serve_cards, cards))
    return address


async def close_servers() -> None:
    """Stop the servers of all addresses. Call it last."""
    _resting.clear()
    await _servers.aclose()


def free_socket() -> socket.socket:
    server_socket = socket.socket()
    server_socket.bind(("127.0.0.1", 0))
    return server_socket


class _Server(uvicorn.Server):
    """Leaves signals to the process: several servers run at a time, and longer than a test."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(app: ASGIApp, on: socket.socket) -> AsyncIterator[None]:
    server = _Server(uvicorn.Config(app, interface="asgi3", log_level="warning", lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve([on]))
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
