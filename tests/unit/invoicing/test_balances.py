"""For any sequence of events, the movements of an invoice sum to the amount owed on it, and returned by the bank."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given as every
from hypothesis import strategies as st

from billing_contracts import payments
from billing_contracts.envelope import Envelope
from billing_contracts.money import Money
from billing_contracts.shapes import Card
from invoicing.adapters.exporting.lines import as_ndjson
from invoicing.adapters.exporting.table import as_csv
from invoicing.adapters.exporting.wording import words_for
from invoicing.application import movements
from invoicing.application.credit_notes import contained
from invoicing.application.history import HistoryRow
from invoicing.application.movements import Movement
from invoicing.application.reactions import record_failure, record_payment
from invoicing.domain.invoice.commands import Command, Credit, Issue, Void
from invoicing.domain.invoice.events import Event
from invoicing.domain.invoice.invoice import Invoice, Status
from invoicing.domain.invoice.refusals import Refusal
from invoicing.domain.numbering import SeriesNumber
from support.invoicing.examples import ISSUE, RULES, VISA, costing, day, id_of

CARD = Card(id=VISA.id, brand="visa", last4="0042", exp_month=12, exp_year=2025)
WHAT = st.sampled_from(["fail", "pay", "void", "refund", "credit", "settle", "dispute", "hear again"])
HAPPENS = st.lists(
    st.tuples(st.integers(0, 3), WHAT),
    min_size=1,
    max_size=30,
)
PRICES = st.lists(st.tuples(st.integers(0, 10**14), st.sampled_from(["USD", "JPY", "KWD", "EUR"])), min_size=4, max_size=4)


@dataclass
class Ledger:
    """One customer's invoices, as invoicing would keep them; beside it what is owed on each, reckoned without movements."""

    states: dict[UUID, Invoice] = field(default_factory=dict)
    moved: dict[UUID, Movement] = field(default_factory=dict)
    heard: list[tuple[UUID, payments.PaymentEvent, Envelope]] = field(default_factory=list)
    collected: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    returned: dict[UUID, int] = field(default_factory=dict)
    """What the bank gave back to the customer."""
    unsettled: list[tuple[UUID, UUID, int]] = field(default_factory=list)
    """What is still to be refunded: invoice, note, amount."""
    sequence: int = 0

    def ask(self, id: UUID, command: Command) -> None:
        """A refusal changes nothing."""
        state = self.states.get(id)
        try:
            events: list[Event] = RULES.decide(command, state)
        except Refusal:
            return
        for event in events:
            self.states[id] = RULES.evolve(self.states.get(id), event)
            self.keep(movements.of_invoice(id, event, self.states[id]))

    def keep(self, movement: Movement | None) -> None:
        """The same fact is one row, however often it is heard."""
        if movement:
            self.moved.setdefault(movement.source, movement)

    def tell(self, id: UUID, event: payments.PaymentEvent, envelope: Envelope) -> None:
        self.heard.append((id, event, envelope))
        match event:
            case payments.PaymentSucceeded():
                self.ask(id, record_payment(event, envelope.time))
            case payments.PaymentFailed():
                self.ask(id, record_failure(event, envelope.time))
        self.keep(movements.of_payment(envelope, event))

    def happens(self, id: UUID, what: str) -> None:
        self.sequence += 1
        it = self.states[id]
        match what:
            case "fail":
                self.tell(id, *self.charge(id, payments.PaymentFailed, code="card_declined", retryable=True))
            case "pay" if not self.collected[id]:  # also what was under way when the invoice was voided
                self.tell(id, *self.charge(id, payments.PaymentSucceeded, reference=f"ch_{self.sequence}"))
                self.collected[id] = it.total
            case "void":
                self.ask(id, Void("merchant", self.now))
            case "refund" if it.status is Status.VOID and self.collected[id]:
                back = {"amount": Money(amount_minor=self.collected[id], currency=it.currency)}
                self.tell(id, *self.charge(id, payments.PaymentRefunded, reason="invoice_voided", reference="re_1", **back))
                self.collected[id] = 0
            case "credit":
                number = SeriesNumber("TS-NC", self.sequence, date(2023, 5, 14))
                amount = max(1, it.left // 3)
                self.ask(id, Credit(id_of(f"note {self.sequence}"), number, amount, None, "goodwill", contained, self.now))
                if self.states[id].left < it.left:
                    self.unsettled.append((id, id_of(f"note {self.sequence}"), amount))
            case "settle" if self.unsettled:
                id, note, minor = self.unsettled.pop(0)
                back = {"amount": Money(amount_minor=minor, currency=self.states[id].currency)}
                facts = {"refund_id": note, "reason": "invoice_voided", "detail": "credit_note", "reference": "re_2"}
                self.tell(id, *self.charge(id, payments.PaymentRefunded, **facts, **back))
                self.collected[id] -= minor
            case "dispute" if self.collected[id] and id not in self.returned:
                facts = {"dispute_id": id_of(f"{id} dispute"), "reason": "fraudulent", "reference": "dp_1"}
                self.tell(id, *self.charge(id, payments.PaymentDisputeClosed, **facts, outcome="lost", returned=True))
                self.returned[id] = it.total
            case "hear again" if self.heard:
                self.tell(*self.heard[self.sequence % len(self.heard)])

    def owed(self, id: UUID) -> int:
        """With what the bank returned. Below zero: the customer is owed."""
        it = self.states[id]
        return (0 if it.status is Status.VOID else it.left) - self.collected[id] + self.returned.get(id, 0)

    @property
    def now(self) -> datetime:
        return day(5) + timedelta(hours=self.sequence)

    def charge(self, id: UUID, kind: type[payments.PaymentEvent], **outcome: Any) -> tuple[payments.PaymentEvent, Envelope]:
        it = self.states[id]
        facts = {
            "invoice_id": id,
            "subscription_id": it.subscription_id,
            "charge_id": id_of(f"{id} {self.sequence}"),
            "attempt": 1,
        }
        money = Money(amount_minor=it.total, currency=it.currency)
        event = kind.model_validate({**facts, "amount": money, "payment_method": CARD, **outcome})
        envelope = Envelope(
            id=id_of(f"event {self.sequence}"),
            source="/billing/payments",
            type=event.TYPE,
            subject=f"payment-{id}",
            time=self.now,
            recordedtime=self.now,
            sequence=self.sequence,
            merchantid=id_of("merchant"),
            customerid=it.customer_id,
            correlationid=id_of("click"),
            data=event.model_dump(mode="json"),
        )
        return event, envelope

    async def pages(self) -> AsyncIterator[list[HistoryRow]]:
        number = {id: f"TS-{n:06d}" for n, id in enumerate(self.states, 1)}
        for it in self.moved.values():
            yield [HistoryRow(it, date(2023, 5, 14), number[it.invoice_id], "Premium", date(2023, 5, 14), date(2023, 6, 14), "")]


def issue(n: int, amount: int, currency: str) -> Issue:
    return replace(costing(amount, currency=currency), series_number=replace(ISSUE.series_number, ordinal=n))


@every(PRICES, HAPPENS)
async def test_the_lines_of_an_invoice_sum_to_what_is_owed_on_it(
    prices: list[tuple[int, str]], story: list[tuple[int, str]]
) -> None:
    ledger, ids = Ledger(), [id_of(f"invoice {n}") for n in range(4)]
    for n, (id, price) in enumerate(zip(ids, prices, strict=True), 1):
        ledger.ask(id, issue(n, *price))
    for which, what in story:
        ledger.happens(ids[which], what)
    table = b"".join([chunk async for chunk in as_csv(ledger.pages(), words_for("en"))]).decode("utf-8-sig")
    objects = b"".join([chunk async for chunk in as_ndjson(ledger.pages())]).decode()
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in csv.DictReader(io.StringIO(table, newline="")):
        sums[row["Invoice"]] += Decimal(row["Total"])
    minors: dict[str, int] = defaultdict(int)
    for written in map(json.loads, objects.splitlines()):
        minors[written["invoice_id"]] += written["total_minor"]
    owed = {id: Money(amount_minor=ledger.owed(id), currency=ledger.states[id].currency) for id in ids}
    assert minors == {str(id): money.amount_minor for id, money in owed.items()}
    assert sums == {f"TS-{n:06d}": Decimal(owed[id].decimal()) for n, id in enumerate(ids, 1)}
    assert len(table.splitlines()) == 1 + len(ledger.moved) == 1 + len(objects.splitlines())
