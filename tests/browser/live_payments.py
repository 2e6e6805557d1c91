"""A fake of payments: set-ups that expire, tokens, the sandbox's cards and the rules of a card change."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4, uuid5

from browser.live_wallet import LiveWallet

from chassis.http.problems import Problem, not_found
from payments.adapters.http.bodies import due_json
from payments.adapters.sandbox.cards import TEST_CARDS
from payments.application.card_setup import CardToken, ProviderFields, SetUp
from payments.application.charges import UnknownToken
from payments.domain.card_input import CardEntry
from payments.domain.dues import Due
from payments.domain.shapes import Method, Money
from portal_gateway.adapters.services import DeclinedCard
from portal_gateway.application.requests import Looks, PaymentRequest, Purpose
from portal_gateway.application.results import (
    AuthenticationBegun,
    CardSetup,
    CardUpdated,
    ConfirmationPage,
    PaymentBegun,
    PaymentPreview,
)
from portal_gateway.domain.access import InvoiceSession, Session
from portal_gateway.domain.view import InvoiceStatus
from portal_gateway.domain.view import Money as MoneyFacts
from support.payments.card_page import CHARGE, SETUP, CardPageFakes
from support.portal_page import scenes

if TYPE_CHECKING:
    from browser.live_stage import LiveStage

DECLINES_PER_HOUR: Final = 5
SECONDS_TO_WAIT: Final = 2520


@dataclass
class LiveCards(CardPageFakes):
    """The fakes behind the card page, which remember set-ups and tokens."""

    setups: dict[UUID, SetUp] = field(default_factory=dict)
    tokens: dict[str, tuple[UUID, CardEntry]] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset(TEST_CARDS)
    saved_by_provider: CardEntry = field(default_factory=lambda: CardEntry("5555555555554444", 12, 2030, "123"))
    """The card that is saved when the provider's fields are used, with any number."""

    async def open(self, setup_id: UUID) -> SetUp | None:
        return self.setups.get(setup_id)

    async def tokenise(self, merchant_id: UUID, setup_id: UUID, entry: CardEntry) -> CardToken:
        self.tokenised.append(entry)
        token = f"tok_{len(self.tokenised)}"
        self.tokens[token] = setup_id, entry
        method = Method(uuid4(), entry.brand, entry.number[-4:], entry.exp_month, entry.exp_year)
        return CardToken(token, method, asks=entry.number in self.asking)

    async def answer(self, merchant_id: UUID, setup_id: UUID, token: str, *, approved: bool) -> None:
        if self.tokens.get(token, (None,))[0] != setup_id:
            raise UnknownToken
        self.approved[token] = approved


@dataclass
class LivePayments(LiveWallet):
    """A wallet that customers can change."""

    stage: "LiveStage"
    cards: LiveCards = field(default_factory=LiveCards)
    answers: bool = True
    """Whether the card frame of a new set-up answers."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    responses: dict[str, CardUpdated | Problem] = field(default_factory=dict)
    """Answers by idempotency key."""
    opened: "count[int]" = field(default_factory=count)
    declined: int = 0
    begun: tuple[Due, ...] = ()
    """Begun periods, which are charged after the oldest open invoice."""
    effect: str | None = None
    more: bool = False
    refuses: list[Problem] = field(default_factory=list)
    """The answers to the next confirmations at the bank, and of an invoice link to the next openings of a page."""
    frames: str | None = None
    """The origin of the page for a confirmation at the bank, instead of the card page's."""
    becomes: InvoiceStatus = "paid"
    """The status of an invoice after a payment with the card on file."""

    async def open_setup(self, session: Session, locale: str, colour: str | None, purpose: Purpose = "default") -> CardSetup:
        id = uuid5(scenes.OURS, f"setup {next(self.opened)}")
        due = self.due() if purpose == "default" else ()
        setup = SetUp(id, scenes.MERCHANT, scenes.CUSTOMER, str(session.id), locale, colour, due, purpose)
        self.cards.setups[id] = setup
        if isinstance(self.cards.fields, ProviderFields):
            token, _, _ = self.cards.fields.client_secret.partition("_secret_")
            self.cards.tokens[token] = id, self.cards.saved_by_provider
        url = f"{self.stage.cards_origin}/cards/{id}" if self.answers else f"{self.stage.cards_origin}/silence"
        listed = self.listed() if purpose == "default" else due_json(())
        return {"setup_id": str(id), "frame_url": url, **listed}  # type: ignore[typeddict-item]

    async def open_payment_setup(self, session: InvoiceSession, locale: str, colour: str | None) -> CardSetup:
        if self.refuses:
            raise self.refuses.pop(0)
        id, total = uuid5(scenes.OURS, f"setup {next(self.opened)}"), scenes.whole_invoice()["total"]
        due = (Due(session.invoice_id, "TS-000014", Money(**total), UUID(scenes.PREMIUM)),)
        looks = str(session.id), locale, colour
        self.cards.setups[id] = SetUp(id, scenes.MERCHANT, scenes.CUSTOMER, *looks, due, pays_invoice=session.invoice_id)
        url = f"{self.stage.cards_origin}/cards/{id}"
        return {"setup_id": str(id), "frame_url": url, **due_json(due)}  # type: ignore[typeddict-item]

    async def pay_with_card(
        self, session: InvoiceSession, setup_id: str, token: str, total: MoneyFacts, key: str | None
    ) -> PaymentBegun:
        _, entry = self.cards.tokens[token]
        self.requests.append({"pays_once": str(session.invoice_id), "total": total, "last4": entry.number[-4:]})
        if refusal := TEST_CARDS[entry.number].on_setup:
            raise DeclinedCard(Problem(402, refusal.value, "Refused"))
        paid_at = scenes.instant(2023, 5, 20) if self.becomes == "paid" else None
        self.stage.invoicing.invoice_is |= {"status": self.becomes, "paid_at": paid_at}
        begun = {"id": str(CHARGE), "invoice_id": str(session.invoice_id), "aggregate": f"payment-{session.invoice_id}"}
        card = {"brand": entry.brand.value, "last4": entry.number[-4:]}
        return {**begun, "version": 3, "payment_method": card, "due": [], "total": total}  # type: ignore[typeddict-item]

    def listed(self) -> dict[str, Any]:
        return due_json(self.due(), more=self.more)

    async def payment_preview(self, session: Session, invoice_id: UUID) -> PaymentPreview:
        return {"invoice_id": str(invoice_id), "running": False, **self.listed()}  # type: ignore[typeddict-item]

    async def pay(self, session: Session, invoice_id: UUID, request: PaymentRequest, key: str | None) -> PaymentBegun:
        self.requests.append({"pay": str(invoice_id), "amount": request.amount, "key": key})
        listed = self.listed()
        if listed["total"] != request.amount:
            raise Problem(409, "amount_changed", "What is due has changed", more={"amount": listed["total"], **listed})
        self.end(str(invoice_id), self.becomes)
        begun = {"id": "charge", "invoice_id": str(invoice_id), "aggregate": f"payment-{invoice_id}", "version": 3}
        return {**begun, "payment_method": {}, **listed}  # type: ignore[typeddict-item]

    async def authenticate(
        self, session: Session, invoice_id: UUID, request: PaymentRequest, looks: Looks, key: str | None
    ) -> AuthenticationBegun:
        self.requests.append({"authenticate": str(invoice_id), "amount": request.amount, "key": key})
        if self.refuses:
            raise self.refuses.pop(0)
        if opening := self.cards.authentication:
            seen = replace(opening.setup, locale=looks.locale, colour=looks.colour)
            self.cards.authentication = replace(opening, setup=seen)
        begun = {"id": str(CHARGE), "invoice_id": str(invoice_id), "aggregate": f"payment-{invoice_id}", "version": 3}
        url = f"{self.frames or self.stage.cards_origin}/cards/{SETUP}/confirm/{CHARGE}"
        return {**begun, "payment_method": {}, "setup_id": str(SETUP), "frame_url": url}  # type: ignore[typeddict-item]

    async def open_confirmation(self, session: InvoiceSession, charge_id: UUID, looks: Looks) -> ConfirmationPage:
        self.requests.append({"confirms": str(charge_id), "locale": looks.locale})
        if self.refuses:
            raise self.refuses.pop(0)
        if opening := self.cards.authentication:
            seen = replace(opening.setup, locale=looks.locale, colour=looks.colour)
            self.cards.authentication = replace(opening, setup=seen)
        url = f"{self.frames or self.stage.cards_origin}/cards/{SETUP}/confirm/{charge_id}"
        return {"setup_id": str(SETUP), "frame_url": url}

    def end(self, invoice_id: str, status: InvoiceStatus) -> None:
        """Set the status of an invoice after its payment."""
        rows = self.stage.views.shown.facts["invoices"]
        self.stage.invoicing.invoice_is |= {"status": status}
        facts: dict[str, Any] = {"invoices": [{**row, "status": status} if row["id"] == invoice_id else row for row in rows]}
        if status == "paid":
            facts["subscriptions"] = [scenes.subscription()]
            facts["invoices"] = [*self.issued(), *facts["invoices"]]
        self.stage.change(**facts)

    async def update_card(
        self,
        session: Session,
        setup_id: str,
        token: str,
        charge_invoices: Sequence[UUID],
        key: str | None,
        totals: Sequence[MoneyFacts] | None = None,
    ) -> CardUpdated:
        request = {"setup": setup_id, "token": token, "charges": [str(id) for id in charge_invoices], "key": key}
        self.requests.append({**request, "totals": totals})
        if key not in self.responses:
            assert key is not None
            try:
                self.responses[key] = self.changed(session, UUID(setup_id), token, charge_invoices)
            except Problem as problem:
                self.responses[key] = problem
        answer = self.responses[key]
        if isinstance(answer, Problem):
            raise answer
        return answer

    def changed(self, session: Session, setup_id: UUID, token: str, charge_invoices: Sequence[UUID]) -> CardUpdated:
        """Decide like `payments/application/card_change.py`."""
        setup = self.cards.setups.get(setup_id)
        if self.cards.seconds_blocked:
            raise Problem(429, "too_many_declines", "Too many", headers={"retry-after": str(self.cards.seconds_blocked)})
        if setup is None or setup.session != str(session.id):
            raise not_found()
        due = self.due()
        if due != setup.due or set(charge_invoices) != {each.invoice_id for each in due}:
            self.cards.setups[setup_id] = replace(setup, due=due)
            raise Problem(409, "due_changed", "What is due has changed", more=due_json(due))
        of, entry = self.cards.tokens.get(token, (None, None))
        if of != setup_id or entry is None:
            raise Problem(422, "invalid_token", "This token cannot be used")
        if refusal := TEST_CARDS[entry.number].on_setup:
            self.declined += 1
            self.cards.seconds_blocked = SECONDS_TO_WAIT if self.declined >= DECLINES_PER_HOUR else 0
            raise Problem(402, refusal.value, "Refused")
        del self.cards.setups[setup_id]
        return self.saved(entry, charge_invoices)

    def saved(self, entry: CardEntry, charge_invoices: Sequence[UUID]) -> CardUpdated:
        """Store the card and settle the invoices that it pays."""
        expiry = {"exp_month": entry.exp_month, "exp_year": entry.exp_year}
        card: dict[str, Any] = {"id": "pm2", "brand": entry.brand.value, "last4": entry.number[-4:], **expiry}
        facts: dict[str, Any] = {"payment_method": {**card, "version": 2}}
        if "payment_methods" in self.stage.views.shown.facts:
            others = [{**it, "role": None} if it["role"] == "default" else it for it in self.methods]
            facts["payment_methods"] = [{**card, "role": "default"}, *others]
        if charge_invoices and TEST_CARDS[entry.number].on_charge is None:
            rows = self.stage.views.shown.facts["invoices"]
            paid = [{**row, "status": "paid"} if UUID(row["id"]) in charge_invoices else row for row in rows]
            paid = [*self.issued(), *paid]
            self.stage.invoicing.invoice_is |= {"status": "paid"}
            facts |= {"invoices": paid, "subscriptions": [scenes.subscription()]}
        self.stage.change(**facts)
        coming = {each.invoice_id for each in self.begun}
        open_ones = [id for id in charge_invoices if id not in coming]
        charges = [{"invoice_id": str(id), "aggregate": f"payment-{id}", "version": 3} for id in open_ones]
        wallet = f"wallet-{scenes.CUSTOMER}"
        return {"aggregate": wallet, "version": 2, "payment_method": card, "charges": charges}  # type: ignore[typeddict-item]

    def issued(self) -> list[Any]:
        """The invoices of the begun periods, paid, newest first."""
        return [
            scenes.invoice(
                14 + place,
                id=str(it.invoice_id),
                period={"start": it.period.start.isoformat(), "end": it.period.end.isoformat()},
            )
            for place, it in reversed(list(enumerate(self.begun, 1)))
            if it.period
        ]

    def due(self) -> tuple[Due, ...]:
        owed = [row for row in self.stage.views.shown.facts["invoices"] if row["status"] == "failed"]
        listed = [
            Due(UUID(row["id"]), row["number"], Money(**row["total"]), UUID(row["subscription_id"])) for row in reversed(owed)
        ]
        return (replace(listed[0], effect=self.effect), *self.begun, *listed[1:]) if listed else ()
