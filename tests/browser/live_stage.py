"""A stage (the page with fakes behind it) on real ports: the portal on 127.0.0.1, the card page on localhost."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

import uvicorn
from browser.live_payments import LivePayments
from starlette.types import ASGIApp

from payments.adapters.card_page.app import card_page
from portal_gateway.application.results import CancellationAccepted
from portal_gateway.domain.access import Session
from portal_gateway.domain.view import CustomerView, Subscription
from support.portal_page import fakes, scenes
from support.portal_page.fakes import TOKEN, Stage

DECLINED = "4000000000000002"
MASTERCARD = "5555555555554444"


@dataclass
class LiveSubscriptions(fakes.Subscriptions):
    stage: "LiveStage | None" = None

    async def cancel(self, session: Session, subscription_id: UUID, *asked: Any) -> CancellationAccepted:
        accepted = await super().cancel(session, subscription_id, *asked)
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
        found: CustomerView = {**shown.facts, **facts}  # type: ignore[typeddict-item]
        self.views.shown = replace(shown, facts=found, revision=shown.revision + 1)

    def replace(self, subscription: Subscription) -> None:
        """Replace one subscription of the view."""
        all_of_them = self.views.shown.facts["subscriptions"]
        self.change(subscriptions=[subscription if it["id"] == subscription["id"] else it for it in all_of_them])

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        with free_socket() as own, free_socket() as cards:
            self.origin = f"http://127.0.0.1:{own.getsockname()[1]}"
            self.cards_origin = f"http://localhost:{cards.getsockname()[1]}"
            around = self.live_payments.cards
            frames = card_page(around, around, around, cards_url=self.cards_origin, portal_origin=self.origin)
            async with served(self.app(origin=self.origin, cards=self.cards_origin), own), served(frames, cards):
                yield self
                self.signals.closing = True


def free_socket() -> socket.socket:
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    return found


@contextlib.asynccontextmanager
async def served(app: ASGIApp, on: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve([on]))
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
