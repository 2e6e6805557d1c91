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
from payments.adapters.card_page.policies import STRIPE_JS
from payments.adapters.card_page.ports import CardPagePorts
from payments.application.card_setup import CardFields, CardToken, Merchant, OpenAuthentication, OwnFields, SetUp
from payments.application.charges import Challenge, ChargeOrder, NoAnswer, UnknownChallenge, UnknownToken
from payments.domain.card_input import CardEntry
from payments.domain.dues import Due
from payments.domain.shapes import Method, Money
from support.payments.examples import ANA, INVOICE, MERCHANT, id_of
from support.shared_apps import Placeholder, with_fakes

PORTAL, CARDS = "http://127.0.0.1:8080", "http://localhost:8090"
SETUP = id_of("set-up")
ASKING_NUMBER = "4000002500003155"
VISA_NUMBER, AMEX_NUMBER = "4242424242424242", "378282246310005"


def setup_of(locale: str = "es-419", due: tuple[Due, ...] = (), colour: str | None = "#285cc2") -> SetUp:
    return SetUp(SETUP, MERCHANT, ANA, "session", locale, colour, due)


OWED = (Due(INVOICE, "TS-000014", Money(2999, "USD")),)
CHARGE = id_of("charge")


def authentication_of(locale: str = "es-419", *, ended: bool = False) -> OpenAuthentication:
    """The page on which Ana confirms her invoice's charge."""
    at = datetime(2023, 5, 20, 12, tzinfo=UTC)
    order = ChargeOrder(MERCHANT, ANA, CHARGE, id_of("method"), Money(2999, "USD"), at, "UTC", on_session=True)
    return OpenAuthentication(setup_of(locale), order, ended)


@dataclass
class CardPageFakes:
    """In-memory ports of the card page. Tests configure them, and read the tokenised cards and the customer's answers."""

    setup: SetUp | None = field(default_factory=setup_of)
    seconds_blocked: int = 0
    now: datetime = datetime(2023, 5, 20, 12, tzinfo=UTC)
    numbers: frozenset[str] = frozenset({VISA_NUMBER, AMEX_NUMBER, ASKING_NUMBER, "4000000000000002"})
    tokenised: list[CardEntry] = field(default_factory=list)
    merchant_name: str = "TechSolutions Inc."
    fields: CardFields | None = field(default_factory=OwnFields)
    """None: the provider does not answer."""
    asking: frozenset[str] = frozenset({ASKING_NUMBER})
    """The cards about which the bank asks before they are saved."""
    approved: dict[str, bool] = field(default_factory=dict)
    """The customer's answers, by token."""
    authentication: OpenAuthentication | None = None
    challenge_is: Challenge | None = field(default_factory=lambda: Challenge("secret"))
    answers: list[tuple[str, UUID]] = field(default_factory=list)
    """`approve`, `reject` and `wake` with the charge."""

    async def open(self, setup_id: UUID) -> SetUp | None:
        return self.setup if self.setup and self.setup.id == setup_id else None

    @property
    def provider(self) -> "ProviderFake":
        return ProviderFake(self)

    @property
    def authentications(self) -> "AuthenticationsFake":
        return AuthenticationsFake(self)

    async def blocked_for(self, merchant_id: UUID, customer_id: UUID, pays_invoice: UUID | None = None) -> int:
        return self.seconds_blocked

    async def merchant(self, merchant_id: UUID) -> Merchant | None:
        return Merchant(self.merchant_name, self.now)

    async def tokenise(self, merchant_id: UUID, setup_id: UUID, entry: CardEntry) -> CardToken:
        self.tokenised.append(entry)
        method = Method(id_of("method"), entry.brand, entry.number[-4:], entry.exp_month, entry.exp_year)
        return CardToken("tok_1", method, asks=entry.number in self.asking)

    async def answer(self, merchant_id: UUID, setup_id: UUID, token: str, *, approved: bool) -> None:
        if token != "tok_1" or not self.tokenised:
            raise UnknownToken
        self.approved[token] = approved

    async def approve(self, merchant_id: UUID, charge_id: UUID, secret: str) -> None:
        self.record("approve", charge_id, secret)

    async def reject(self, merchant_id: UUID, charge_id: UUID, secret: str) -> None:
        self.record("reject", charge_id, secret)

    def record(self, answer: str, charge_id: UUID, secret: str) -> None:
        if self.challenge_is is None or secret != self.challenge_is.secret:
            raise UnknownChallenge
        self.answers.append((answer, charge_id))

    def browser(self) -> AsyncClient:
        return AsyncClient(transport=ASGITransport(self.app()), base_url=CARDS)

    def app(self, *, cards_url: str = CARDS, portal_origin: str = PORTAL, stripe_script: str = STRIPE_JS) -> ASGIApp:
        fakes = (_PORTS, self), (_PROVIDER, self.provider), (_AUTHENTICATIONS, self.authentications)
        return with_fakes(_app(cards_url, portal_origin, stripe_script), *fakes)


@dataclass
class ProviderFake:
    around: CardPageFakes

    async def open(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID) -> CardFields:
        if self.around.fields is None:
            raise NoAnswer
        return self.around.fields

    async def challenge(self, order: ChargeOrder) -> Challenge | None:
        return self.around.challenge_is


@dataclass
class AuthenticationsFake:
    around: CardPageFakes

    async def open(self, setup_id: UUID, charge_id: UUID) -> OpenAuthentication | None:
        opening = self.around.authentication
        return opening if opening and (opening.setup.id, opening.order.charge_id) == (setup_id, charge_id) else None

    async def wake(self, merchant_id: UUID, charge_id: UUID) -> None:
        self.around.answers.append(("wake", charge_id))


_PORTS: Any = Placeholder()
_PROVIDER: Any = Placeholder()
_AUTHENTICATIONS: Any = Placeholder()


@cache
def _app(cards_url: str, portal_origin: str, stripe_script: str) -> FastAPI:
    """The application that all fakes with these addresses share."""
    return page_of(_PORTS, _PROVIDER, _AUTHENTICATIONS, cards_url, portal_origin, stripe_script)


def page_of(
    around: Any, provider: Any, authentications: Any, cards_url: str, portal_origin: str, stripe_script: str = STRIPE_JS
) -> FastAPI:
    ports = CardPagePorts(around, around, provider, around, authentications, around)
    return card_page(ports, cards_url=cards_url, portal_origin=portal_origin, stripe_script=stripe_script)
