"""The page's own stage on real ports: the portal on 127.0.0.1, the card page on localhost, as on a laptop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid5

import uvicorn
from fastapi import FastAPI
from unit.payments.card_page_examples import Around
from unit.portal_page import scenes, standins
from unit.portal_page.standins import TOKEN, Stage

from chassis.http.problems import Problem
from payments.adapters.card_page.app import card_page
from payments.application.card_entry import Due, SetUp
from payments.domain.shapes import Money
from portal_gateway.application.answers import CancellationAccepted, CardSetup, CardUpdated
from portal_gateway.domain.access import Session
from portal_gateway.domain.view import CustomerView

DECLINED = "4000000000000002"
MASTERCARD = "5555555555554444"


@dataclass
class LivingPayments:
    """A wallet that changes when its customer says so."""

    stage: "LivingStage"
    cards: Around
    answers: bool = True
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def open_setup(self, session: Session, locale: str, colour: str | None) -> CardSetup:
        id = uuid5(scenes.OURS, f"setup {len(self.asked)} {locale}")
        owed = [row for row in self.stage.views.shown.facts["invoices"] if row["status"] == "failed"]
        due = tuple(Due(UUID(row["id"]), row["number"], Money(**row["total"])) for row in owed)
        self.cards.setup = SetUp(id, scenes.MERCHANT, scenes.CUSTOMER, str(session.id), locale, colour, due)
        url = f"{self.stage.cards_origin}/cards/{id}" if self.answers else f"{self.stage.cards_origin}/silence"
        lines = [{"invoice_id": row["id"], "number": row["number"], "amount": row["total"]} for row in owed]
        total = owed[0]["total"] if owed else None
        return {"setup_id": str(id), "frame_url": url, "due": lines, "total": total}  # type: ignore[typeddict-item]

    async def update_card(
        self, session: Session, setup_id: str, token: str, charge_invoices: Sequence[UUID], key: str | None
    ) -> CardUpdated:
        number = self.cards.tokenised[-1].number
        self.asked.append({"token": token, "charges": [str(id) for id in charge_invoices], "key": key})
        if number == DECLINED:
            raise Problem(402, "card_declined", "The card was declined")
        brand = "mastercard" if number == MASTERCARD else "visa"
        card = {"id": "pm2", "brand": brand, "last4": number[-4:], "exp_month": 12, "exp_year": 2030}
        paid = [scenes.invoice(14) if row["status"] == "failed" else row for row in self.stage.views.shown.facts["invoices"]]
        self.stage.change(payment_method={**card, "version": 2}, invoices=paid, subscriptions=[scenes.subscription()])
        charges = [{"invoice_id": str(id), "aggregate": f"payment-{id}", "version": 3} for id in charge_invoices]
        wallet = f"wallet-{scenes.CUSTOMER}"
        return {"aggregate": wallet, "version": 2, "payment_method": card, "charges": charges}  # type: ignore[typeddict-item]


@dataclass
class LivingSubscriptions(standins.Subscriptions):
    stage: "LivingStage | None" = None

    async def cancel(self, session: Session, subscription_id: UUID, *asked: Any) -> CancellationAccepted:
        accepted = await super().cancel(session, subscription_id, *asked)
        assert self.stage is not None
        self.stage.change(subscriptions=[scenes.ending()])
        return accepted

    async def keep(self, session: Session, subscription_id: UUID, key: str | None) -> Any:
        accepted = await super().keep(session, subscription_id, key)
        assert self.stage is not None
        self.stage.change(subscriptions=[scenes.subscription()])
        return accepted


class LivingStage(Stage):
    """A stage whose facts change by what is done on it."""

    def __init__(self, view: Any = None) -> None:
        super().__init__(view)
        numbers = frozenset({"4242424242424242", DECLINED, MASTERCARD})
        self.living = LivingPayments(self, Around(numbers=numbers))
        self.payments = self.living  # type: ignore[assignment]
        self.subscriptions = LivingSubscriptions(self.subscriptions.preview_is, stage=self)
        self.origin, self.cards_origin = "", ""

    @property
    def link(self) -> str:
        return f"{self.origin}/enter#{TOKEN}"

    def change(self, **facts: Any) -> None:
        shown = self.views.shown
        found: CustomerView = {**shown.facts, **facts}  # type: ignore[typeddict-item]
        self.views.shown = replace(shown, facts=found, revision=shown.revision + 1)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["LivingStage"]:
        with free_socket() as own, free_socket() as cards:
            self.origin = f"http://127.0.0.1:{own.getsockname()[1]}"
            self.cards_origin = f"http://localhost:{cards.getsockname()[1]}"
            around = self.living.cards
            frames = card_page(around, around, around, cards_url=self.cards_origin, portal_origin=self.origin)
            async with served(self.app(origin=self.origin, cards=self.cards_origin), own), served(frames, cards):
                yield self
                self.bells.closing = True
                await asyncio.sleep(0.3)


def free_socket() -> socket.socket:
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    return found


@contextlib.asynccontextmanager
async def served(app: FastAPI, on: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve([on]))
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
