"""The card page with in-memory ports."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.types import ASGIApp

from payments.adapters.card_page.app import card_page
from payments.application.card_setup import CardToken, Merchant, SetUp
from payments.domain.card_input import CardEntry
from payments.domain.dues import Due
from payments.domain.shapes import Method, Money
from support.payments.examples import ANA, INVOICE, MERCHANT, id_of
from support.shared_apps import Placeholder, with_fakes

PORTAL, CARDS = "http://127.0.0.1:8080", "http://localhost:8090"
SETUP = id_of("set-up")
VISA_NUMBER, AMEX_NUMBER = "4242424242424242", "378282246310005"


def setup_of(locale: str = "es-419", due: tuple[Due, ...] = (), colour: str | None = "#285cc2") -> SetUp:
    return SetUp(SETUP, MERCHANT, ANA, "session", locale, colour, due)


OWED = (Due(INVOICE, "TS-000014", Money(2999, "USD")),)


@dataclass
class CardPageFakes:
    """In-memory set-ups, merchants and tokeniser of the card page. Tests configure them and read the tokenised cards."""

    setup: SetUp | None = field(default_factory=setup_of)
    seconds_blocked: int = 0
    now: datetime = datetime(2023, 5, 20, 12, tzinfo=UTC)
    numbers: frozenset[str] = frozenset({VISA_NUMBER, AMEX_NUMBER, "4000000000000002"})
    tokenised: list[CardEntry] = field(default_factory=list)
    merchant_name: str = "TechSolutions Inc."

    async def open(self, setup_id: UUID) -> SetUp | None:
        return self.setup if self.setup and self.setup.id == setup_id else None

    async def blocked_for(self, merchant_id: UUID, customer_id: UUID) -> int:
        return self.seconds_blocked

    async def merchant(self, merchant_id: UUID) -> Merchant | None:
        return Merchant(self.merchant_name, self.now)

    async def tokenise(self, merchant_id: UUID, setup_id: UUID, entry: CardEntry) -> CardToken:
        self.tokenised.append(entry)
        method = Method(id_of("method"), entry.brand, entry.number[-4:], entry.exp_month, entry.exp_year)
        return CardToken("tok_1", method)

    def browser(self) -> AsyncClient:
        return AsyncClient(transport=ASGITransport(self.app()), base_url=CARDS)

    def app(self, *, cards_url: str = CARDS, portal_origin: str = PORTAL) -> ASGIApp:
        return with_fakes(_app(cards_url, portal_origin), (_PORTS, self))


_PORTS: Any = Placeholder()


@cache
def _app(cards_url: str, portal_origin: str) -> FastAPI:
    """The application that all fakes with these addresses share."""
    return card_page(_PORTS, _PORTS, _PORTS, cards_url=cards_url, portal_origin=portal_origin)
