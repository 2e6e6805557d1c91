"""A small world in which all is well, told by the services' own rules, to be spoilt in one place at a time."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

from billing_contracts.customers import CustomerProfile
from billing_contracts.envelope import Envelope
from billing_contracts.invoicing import invoice_id
from billing_contracts.payments import PaymentEvent
from billing_contracts.shapes import Period as PublicPeriod
from chassis.eventsourcing.aggregate import Aggregate, Loaded
from chassis.eventsourcing.command_handler import decide
from chassis.eventsourcing.context import Context
from invoicing.application.aggregates import CODEC, INVOICE
from invoicing.application.movements import Movement, of_invoice, of_payment
from invoicing.domain.invoice import commands as of_invoices
from invoicing.domain.invoice.events import Issued
from invoicing.domain.numbering import Place
from invoicing.domain.parties import Letterhead, Seller
from invoicing.domain.plan import Period as InvoicePeriod
from invoicing.domain.plan import Plan as InvoicePlan
from invoicing.domain.totals import Amounts
from payments.application.aggregates import PAYMENT, WALLET
from payments.domain.confirmation import Confirmation, ConfirmedCharge, Consent
from payments.domain.confirmation import Period as ConfirmedPeriod
from payments.domain.payment import commands as of_payments
from payments.domain.shapes import Brand, Method
from payments.domain.shapes import Money as Amount
from payments.domain.wallet.commands import ConfirmPayment, UseMethod
from portal_gateway.application.customer_view import compose
from subscriptions.application.aggregates import MERCHANT, PLAN, SUBSCRIPTION
from subscriptions.application.publication import merchant_document
from subscriptions.domain.dunning import Policies
from subscriptions.domain.merchant.commands import Register
from subscriptions.domain.merchant.events import ApiKey
from subscriptions.domain.merchant.profile import Branding, LegalIdentity, Profile
from subscriptions.domain.period import Interval
from subscriptions.domain.plan.commands import Publish
from subscriptions.domain.plan.terms import Money, Plan
from subscriptions.domain.subscription import commands
from verify.checks.read_models import sources_of
from verify.consumers import READERS
from verify.invariants import INVARIANTS
from verify.recorded_state import RecordedState
from verify.rows import Cut, Event, Record, Snapshot
from verify.sources import DATABASES
from verify.topics import envelope_of

NAMES = UUID("0d1f3a52-0000-4000-8000-000000000000")


def id_of(name: str) -> UUID:
    return uuid5(NAMES, name)


TECHSOLUTIONS, ANA, PREMIUM = id_of("techsolutions"), id_of("ana"), id_of("premium")
STAYING, GOING, LATE = id_of("staying"), id_of("going"), id_of("late")
VISA = Method(id_of("visa"), Brand.VISA, "4242", 12, 2025)
PRICE = Amount(2999, "USD")
PLAN_OF_ALL = Plan(PREMIUM, "Premium Mensual", "Suscripción mensual", Money(2999, "USD"), Interval("month"))


def day(month: int, of: int = 14) -> datetime:
    return datetime(2023, month, of, 12, tzinfo=UTC)


@dataclass
class Told:
    """What the services have written so far; lists and rows may be changed at will before the world is looked at."""

    events: dict[str, list[Event]] = field(default_factory=lambda: {name: [] for name in DATABASES})
    records: list[Record] = field(default_factory=list)
    tables: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    leaks: list[str] = field(default_factory=list)
    committed: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    _past: dict[UUID, dict[str, Loaded[Any]]] = field(default_factory=lambda: defaultdict(dict))

    def ask(self, database: str, aggregate: Aggregate[Any, Any, Any], id: UUID, command: Any) -> Any:
        """The state after the command, whose events are stored and announced; its timers are kept."""
        stream = aggregate.stream(TECHSOLUTIONS, id)
        past = self._past[id].get(aggregate.kind, Loaded(stream, 0, None))
        context = Context.beginning(TECHSOLUTIONS, "operator")
        outcome, written = decide(replace(aggregate, rows=lambda _: ()), context, past, command)
        self._past[id][aggregate.kind] = outcome.loaded
        for append in written.appends:
            for it in append.events:
                place = 1, 1, len(self.events[database]) + 1
                message = it.message
                stored = it.name, it.schema, it.body, message.topic, message.value or b""
                self.events[database].append(Event(place, TECHSOLUTIONS, stream.name, it.version, it.event_id, *stored))
                self.announce(message.topic, message.key, message.value)
        timers = self.tables[database, "timers"]
        gone = {name for _, name in written.clear_timers} | {timer.name for timer in written.set_timers}
        timers[:] = [row for row in timers if row["id"] != id or row["name"] not in gone]
        of = {"merchant_id": TECHSOLUTIONS, "kind": aggregate.kind, "id": id}
        timers += [{**of, "name": timer.name, "due_at": timer.due_at} for timer in written.set_timers]
        return outcome.state

    def state(self, kind: str, id: UUID) -> Any:
        return self._past[id][kind].state

    def announce(self, topic: str, key: bytes, value: bytes | None, settled: bool = True) -> None:
        offset = sum(record.topic == topic for record in self.records)
        self.records.append(Record(topic, 0, offset, key, value, envelope_of(value), settled))

    def row(self, database: str, table: str, **columns: Any) -> dict[str, Any]:
        row = {"merchant_id": TECHSOLUTIONS, **columns}
        self.tables[database, table].append(row)
        return row

    def world(self) -> RecordedState:
        committed = {name: rows[-1].position if rows else (0, 0, 0) for name, rows in self.events.items()} | self.committed
        snapshots = {
            name: Snapshot(
                datetime(2026, 1, 1, tzinfo=UTC),
                self.events[name],
                {table: rows for (database, table), rows in self.tables.items() if database == name},
            )
            for name in DATABASES
        }
        return RecordedState(Cut(committed, {}), snapshots, self.records, self.leaks)


def broken(told: Told) -> dict[str, list[str]]:
    world = told.world()
    found = {invariant.id: list(invariant.check(world)) for invariant in INVARIANTS}
    return {id: differences for id, differences in found.items() if differences}


def a_sound_world(more: Callable[[Told], object] = lambda _: None) -> Told:
    """Ana keeps one subscription and is about to give up another, and `more`; every consumer has read everything."""
    told = Told()
    legal = LegalIdentity("TechSolutions Inc.", "Av. Reforma 123")
    profile = Profile("TechSolutions", legal, "es-419", "America/Mexico_City", Branding(), Policies())
    register = Register(profile, "TS", True, ApiKey("k1", "ab" * 32), day(1), day(1))
    state = told.ask("subscriptions", MERCHANT, TECHSOLUTIONS, register)
    doc = json.loads(json.dumps(merchant_document(TECHSOLUTIONS, state)))
    of_merchant = {"name": "merchant", "aggregate": f"merchant-{TECHSOLUTIONS}", "customer_id": None}
    told.row("subscriptions", "projection", **of_merchant, sequence=1, event_id=id_of("written"), doc=doc)
    told.ask("subscriptions", PLAN, PREMIUM, Publish(PLAN_OF_ALL, day(1)))
    profile_of_ana(told)
    told.ask("payments", WALLET, ANA, UseMethod(ANA, VISA, day(1)))
    told.row("payments", "payment_method", id=VISA.id, customer_id=ANA, is_default=True)
    for number, subscription in enumerate((STAYING, GOING)):
        start = commands.Start(ANA, 1, PLAN_OF_ALL, 1, "America/Mexico_City", day(4, 14 + number), day(4, 14 + number))
        told.ask("subscriptions", SUBSCRIPTION, subscription, start)
        pay(told, subscription, ordinal=1 + number)
    told.ask("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(5)))
    pay(told, STAYING, ordinal=3)
    told.ask("subscriptions", SUBSCRIPTION, GOING, commands.Cancel("at_period_end", "customer", "void", day(4, 20)))
    told.row("invoicing", "series", name="TS", last=3, last_issued_on=date(2023, 5, 14))
    more(told)
    catch_up(told)
    return told


def profile_of_ana(told: Told) -> None:
    facts = {"name": "Ana García", "email": "ana@example.com", "locale": None, "country": None, "tax_id": None, "address": None}
    told.row("subscriptions", "customers", id=ANA, revision=1, erased_at=None, **facts)
    envelope = Envelope(
        id=id_of("profile"),
        source="/billing/customers",
        type=CustomerProfile.TYPE,
        subject=f"customer-{ANA}",
        time=day(1),
        recordedtime=day(1),
        sequence=1,
        merchantid=TECHSOLUTIONS,
        customerid=ANA,
        correlationid=id_of("profile"),
        data=facts,
    )
    told.announce("billing.customers", envelope.key(), envelope.value())


def pay(told: Told, subscription: UUID, ordinal: int) -> None:
    """The current period is invoiced, charged and paid."""
    period = told.state("subscription", subscription).period
    invoice = charge(told, subscription, ordinal)
    told.ask("subscriptions", SUBSCRIPTION, subscription, commands.RecordPaid(period, invoice, period.start))


def charge(told: Told, subscription: UUID, ordinal: int, consent: Consent | None = None) -> UUID:
    """The current period's invoice, which is paid; the subscription has not heard of it."""
    it = told.state("subscription", subscription)
    period, at = it.period, it.period.start
    invoice = invoice_id(subscription, PublicPeriod(start=period.start, end=period.end))
    sealed = hashlib.sha256(str(invoice).encode()).hexdigest()
    issue = of_invoices.Issue(
        place=Place("TS", ordinal, at.date()),
        customer_id=ANA,
        subscription_id=subscription,
        plan=InvoicePlan(PREMIUM, "Premium Mensual", "Suscripción mensual", None, 2999, "USD", "month", 1),
        quantity=1,
        period=InvoicePeriod(period.start, period.end),
        period_number=it.number,
        tax=None,
        amounts=Amounts(2999, 0),
        seller=Seller("TechSolutions Inc.", "Av. Reforma 123"),
        letterhead=Letterhead("TechSolutions", "es-MX", "America/Mexico_City"),
        bill_to_sha256=sealed,
        at=at,
    )
    told.ask("invoicing", INVOICE, invoice, issue)
    told.ask("payments", PAYMENT, invoice, of_payments.Collect(invoice, subscription, ANA, PRICE, VISA, at, consent))
    id = told.state("payment", invoice).open.id
    told.ask("payments", PAYMENT, invoice, of_payments.RecordSuccess(id, "sbx_1", at))
    told.ask("invoicing", INVOICE, invoice, of_invoices.RecordPayment(id, 2999, "USD", None, at))
    told.row("invoicing", "bill_to", invoice_id=invoice, sha256=sealed)
    kept = {"charge_id": id, "amount_minor": 2999, "currency": "USD", "code": None, "reference": "sbx_1"}
    told.row("payments", "attempt", invoice_id=invoice, number=1, status="succeeded", call_at=at, **kept)
    told.row("payments", "sandbox_charge", **kept)
    told.row("payments", "collection", invoice_id=invoice, state="open", paid_charge=id, refunded_at=None, refund_call_at=at)
    return invoice


def confirm_and_pay(told: Told, listed: int = 2, named: int = 2) -> Confirmation:
    """Ana begins a third subscription on 15 May and pays its first period on 20 June, when the second one has begun.

    She confirms the first `listed` of the two charges; the first `named` name her confirmation.
    """
    start = commands.Start(ANA, 1, PLAN_OF_ALL, 1, "America/Mexico_City", day(5, 15), day(5, 15))
    first = told.ask("subscriptions", SUBSCRIPTION, LATE, start).period
    second = PublicPeriod(start=first.end, end=day(7, 15))
    at, periods = day(6, 20), (PublicPeriod(start=first.start, end=first.end), second)
    lines = [ConfirmedCharge(invoice_id(LATE, it), LATE, PRICE, ConfirmedPeriod(it.start, it.end)) for it in periods]
    confirmation = Confirmation(id_of("confirmation"), at, tuple(lines[:listed]))
    told.ask("payments", WALLET, ANA, ConfirmPayment(lines[0].invoice_id, VISA.id, confirmation, at))
    for place in (1, 2):
        invoice = charge(told, LATE, 3 + place, confirmation.consent if place <= named else None)
        period = told.state("subscription", LATE).period
        told.ask("subscriptions", SUBSCRIPTION, LATE, commands.RecordPaid(period, invoice, at))
        if place == 1:
            told.ask("subscriptions", SUBSCRIPTION, LATE, commands.ReachBoundary(1, at))
    told.tables["invoicing", "series"][0].update(last=5, last_issued_on=date(2023, 6, 15))
    return confirmation


def catch_up(told: Told) -> None:
    """Every consumer has handled and folded every record; invoicing's own rows agree with its streams."""
    world = told.world()
    for story in world.stories("invoicing", "invoice"):
        issued: Issued = story.events[0]
        place = {"series": issued.series, "ordinal": issued.ordinal, "issued_on": issued.issued_on}
        whose = {"customer_id": ANA, "subscription_id": issued.subscription_id, "period_start": issued.period.start}
        now = {"version": story.version, "status": story.state.status.value}
        told.row("invoicing", "invoices", id=story.id, issued=json.loads(CODEC.encode(issued)[2]), **place, **whose, **now)
        for event in story.events:
            if movement := of_invoice(story.id, event, story.state):
                moved(told, movement)
    for reader in READERS:
        handled = [record.envelope for record in world.first.values() if record.topic in reader.consumer.topics]
        for envelope in handled:
            assert envelope is not None
            if envelope.type in reader.consumer.reactions:
                told.row(reader.database, "inbox", consumer_group=reader.consumer.group, event_id=envelope.id)
            data = reader.consumer.decode(envelope)
            if reader.database == "invoicing" and isinstance(data, PaymentEvent) and (movement := of_payment(envelope, data)):
                moved(told, movement)
        for projection in reader.consumer.projections:
            docs: dict[str, Any] = {}
            for envelope in handled:
                assert envelope is not None
                if envelope.type in projection.types:
                    docs[envelope.subject] = json.loads(json.dumps(projection.fold(docs.get(envelope.subject), envelope)))
            for aggregate, doc in docs.items():
                last = world.history[TECHSOLUTIONS, aggregate][-1][1]
                shown = {"customer_id": last.customerid, "sequence": last.sequence, "event_id": last.id, "doc": doc}
                told.row(reader.database, "projection", name=projection.name, aggregate=aggregate, **shown)
    documents = [row for row in told.tables["portal_gateway", "projection"] if row["customer_id"] == ANA]
    view = json.loads(json.dumps(compose(ANA, sources_of(documents))))
    told.row("portal_gateway", "customer_view", customer_id=ANA, doc=view)


def moved(told: Told, movement: Movement) -> None:
    facts = {name: getattr(movement, name) for name in Movement.__slots__}
    told.row("invoicing", "movements", **facts)
