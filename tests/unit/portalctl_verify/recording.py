"""A small consistent RecordedState, built with the services' own rules. Tests change one part of it."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing
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
from invoicing.domain.numbering import SeriesNumber
from invoicing.domain.parties import Letterhead, Seller
from invoicing.domain.plan import Period as InvoicePeriod
from invoicing.domain.plan import Plan as InvoicePlan
from invoicing.domain.totals import Amounts
from payments.application.aggregates import PAYMENT, WALLET
from payments.domain.confirmation import Confirmation, ConfirmedCharge, Consent
from payments.domain.confirmation import Period as ConfirmedPeriod
from payments.domain.payment import commands as of_payments
from payments.domain.shapes import SANDBOX, Brand, Method
from payments.domain.shapes import Money as Amount
from payments.domain.wallet.commands import ConfirmPayment, UseMethod
from portal_gateway.application.customer_view import compose
from subscriptions.application.aggregates import MERCHANT, PLAN, SUBSCRIPTION
from subscriptions.application.publication import merchant_document
from subscriptions.domain.dunning import Policies
from subscriptions.domain.merchant.commands import Register
from subscriptions.domain.merchant.events import ApiKey
from subscriptions.domain.merchant.profile import Branding, LegalIdentity, MerchantProfile
from subscriptions.domain.period import Interval
from subscriptions.domain.plan.commands import Publish
from subscriptions.domain.plan.terms import Money, Plan
from subscriptions.domain.subscription import commands
from verify.checks.read_models import sources_of
from verify.consumers import SERVICE_CONSUMERS
from verify.invariants import Judgement, Verdict, judge
from verify.recorded_state import RecordedState
from verify.rows import Cut, Event, Record, Snapshot
from verify.sources import DATABASES
from verify.spool import Spool
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
class Recording:
    """The rows, events and records of the services. Tests may change them before `recorded_state`."""

    events: dict[str, list[Event]] = field(default_factory=lambda: {name: [] for name in DATABASES})
    records: list[Record] = field(default_factory=list)
    tables: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    leaks: list[str] = field(default_factory=list)
    committed: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    _past: dict[UUID, dict[str, Loaded[Any]]] = field(default_factory=lambda: defaultdict(dict))

    def decide(self, database: str, aggregate: Aggregate[Any, Any, Any], id: UUID, command: Any) -> Any:
        """Decide a command, store and publish its events, set its timers. Returns the new state."""
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
                self.publish(message.topic, message.key, message.value)
        timers = self.tables[database, "timers"]
        gone = {name for _, name in written.clear_timers} | {timer.name for timer in written.set_timers}
        timers[:] = [row for row in timers if row["id"] != id or row["name"] not in gone]
        of = {"merchant_id": TECHSOLUTIONS, "kind": aggregate.kind, "id": id}
        timers += [{**of, "name": timer.name, "due_at": timer.due_at} for timer in written.set_timers]
        return outcome.state

    def state(self, kind: str, id: UUID) -> Any:
        return self._past[id][kind].state

    def publish(self, topic: str, key: bytes, value: bytes | None, settled: bool = True) -> None:
        offset = sum(record.topic == topic for record in self.records)
        self.records.append(Record(topic, 0, offset, key, value, envelope_of(value), settled))

    def row(self, database: str, table: str, **columns: Any) -> dict[str, Any]:
        row = {"merchant_id": TECHSOLUTIONS, **columns}
        self.tables[database, table].append(row)
        return row

    def recorded_state(self) -> RecordedState:
        committed = {name: rows[-1].position if rows else (0, 0, 0) for name, rows in self.events.items()} | self.committed
        snapshots = {
            name: Snapshot(
                datetime(2026, 1, 1, tzinfo=UTC),
                self.events[name],
                {table: rows for (database, table), rows in self.tables.items() if database == name},
            )
            for name in DATABASES
        }
        return RecordedState(Cut(committed, {}), snapshots, in_order(self.records), self.leaks)


def in_order(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda record: (record.topic, record.partition, record.offset))


def violations(recording: Recording) -> dict[str, list[str]]:
    """The differences by invariant. Asserts that small parts of the data yield the same as all of it together."""
    whole = differences_of(judge(recording.recorded_state()))
    divided = differences_of(judge_in_parts(recording.recorded_state()))
    assert {id: sorted(lines) for id, lines in divided.items()} == {id: sorted(lines) for id, lines in whole.items()}
    return whole


def differences_of(verdicts: Iterable[Verdict]) -> dict[str, list[str]]:
    return {verdict.invariant.id: verdict.differences for verdict in verdicts if verdict.differences}


def judge_in_parts(recorded: RecordedState) -> list[Verdict]:
    judgement = Judgement()
    with closing(Spool(part_size=1)) as spool:
        for name, snapshot in recorded.snapshots.items():
            spool.taken_at[name] = snapshot.taken_at
            for event in snapshot.events:
                spool.add_event(name, event)
            for table, rows in snapshot.tables.items():
                for row in rows:
                    spool.add_row(name, table, row)
        for record in recorded.records:
            spool.add_record(record)
        spool.other_leaks += recorded.leaks
        spool.undecodable += recorded.undecodable
        for part in spool.parts(recorded.cut):
            judgement.add(part)
    return judgement.verdicts()


def consistent_recording(more: Callable[[Recording], object] = lambda _: None) -> Recording:
    """Ana has one active and one ending subscription, and `more`; every consumer has read all records."""
    recording = Recording()
    legal = LegalIdentity("TechSolutions Inc.", "Av. Reforma 123")
    profile = MerchantProfile("TechSolutions", legal, "es-419", "America/Mexico_City", Branding(), Policies())
    register = Register(profile, "TS", True, ApiKey("k1", "ab" * 32), day(1), day(1))
    state = recording.decide("subscriptions", MERCHANT, TECHSOLUTIONS, register)
    doc = json.loads(json.dumps(merchant_document(TECHSOLUTIONS, state)))
    of_merchant = {"name": "merchant", "aggregate": f"merchant-{TECHSOLUTIONS}", "customer_id": None}
    recording.row("subscriptions", "projection", **of_merchant, sequence=1, event_id=id_of("written"), doc=doc)
    recording.decide("subscriptions", PLAN, PREMIUM, Publish(PLAN_OF_ALL, day(1)))
    profile_of_ana(recording)
    recording.decide("payments", WALLET, ANA, UseMethod(ANA, VISA, day(1)))
    face = {"brand": "visa", "last4": VISA.last4, "exp_month": VISA.exp_month, "exp_year": VISA.exp_year, "fingerprint": None}
    roles = {"is_default": True, "is_backup": False, "removed_at": None}
    recording.row("payments", "payment_method", id=VISA.id, customer_id=ANA, **face, **roles)
    for number, subscription in enumerate((STAYING, GOING)):
        start = commands.Start(ANA, 1, PLAN_OF_ALL, 1, "America/Mexico_City", day(4, 14 + number), day(4, 14 + number))
        recording.decide("subscriptions", SUBSCRIPTION, subscription, start)
        pay(recording, subscription, ordinal=1 + number)
    recording.decide("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(5)))
    pay(recording, STAYING, ordinal=3)
    recording.decide("subscriptions", SUBSCRIPTION, GOING, commands.Cancel("at_period_end", "customer", "void", day(4, 20)))
    recording.row("invoicing", "series", name="TS", last=3, last_issued_on=date(2023, 5, 14))
    more(recording)
    catch_up(recording)
    return recording


def profile_of_ana(recording: Recording) -> None:
    facts = {"name": "Ana García", "email": "ana@example.com", "locale": None, "country": None, "tax_id": None, "address": None}
    recording.row("subscriptions", "customers", id=ANA, revision=1, erased_at=None, **facts)
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
    recording.publish("billing.customers", envelope.key(), envelope.value())


def pay(recording: Recording, subscription: UUID, ordinal: int) -> None:
    """Invoice, charge and pay the current period."""
    period = recording.state("subscription", subscription).period
    invoice = charge(recording, subscription, ordinal)
    recording.decide("subscriptions", SUBSCRIPTION, subscription, commands.RecordPaid(period, invoice, period.start))


def charge(recording: Recording, subscription: UUID, ordinal: int, consent: Consent | None = None, method: Method = VISA) -> UUID:
    """Issue and charge the invoice of the current period, before subscriptions receives the outcome."""
    it = recording.state("subscription", subscription)
    period, at = it.period, it.period.start
    invoice = invoice_id(subscription, PublicPeriod(start=period.start, end=period.end))
    sealed = hashlib.sha256(str(invoice).encode()).hexdigest()
    issue = of_invoices.Issue(
        series_number=SeriesNumber("TS", ordinal, at.date()),
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
    recording.decide("invoicing", INVOICE, invoice, issue)
    recording.decide("payments", PAYMENT, invoice, of_payments.Collect(invoice, subscription, ANA, PRICE, method, at, consent))
    id, reference = recording.state("payment", invoice).open.id, "sbx_1" if method.provider == SANDBOX else "pi_1"
    recording.decide("payments", PAYMENT, invoice, of_payments.RecordSuccess(id, reference, at))
    recording.decide("invoicing", INVOICE, invoice, of_invoices.RecordPayment(id, 2999, "USD", None, at))
    recording.row("invoicing", "bill_to", invoice_id=invoice, sha256=sealed)
    row = {"charge_id": id, "amount_minor": 2999, "currency": "USD", "code": None, "reference": reference}
    recording.row("payments", "attempt", invoice_id=invoice, number=1, status="succeeded", call_at=at, **row)
    if method.provider == SANDBOX:
        recording.row("payments", "sandbox_charge", **row)
    else:
        recording.row("payments", "stripe_intent", charge_id=id, reference=reference, code=None)
    recording.row("payments", "collection", invoice_id=invoice, state="open", paid_charge=id, refunded_at=None, refund_call_at=at)
    return invoice


def confirm_and_pay(recording: Recording, listed: int = 2, named: int = 2) -> Confirmation:
    """Ana begins a third subscription on 15 May and pays its first period on 20 June, when the second one has begun.

    She confirms the first `listed` of the two charges; the first `named` name her confirmation.
    """
    start = commands.Start(ANA, 1, PLAN_OF_ALL, 1, "America/Mexico_City", day(5, 15), day(5, 15))
    first = recording.decide("subscriptions", SUBSCRIPTION, LATE, start).period
    second = PublicPeriod(start=first.end, end=day(7, 15))
    at, periods = day(6, 20), (PublicPeriod(start=first.start, end=first.end), second)
    lines = [ConfirmedCharge(invoice_id(LATE, it), LATE, PRICE, ConfirmedPeriod(it.start, it.end)) for it in periods]
    confirmation = Confirmation(id_of("confirmation"), at, tuple(lines[:listed]))
    recording.decide("payments", WALLET, ANA, ConfirmPayment(lines[0].invoice_id, VISA.id, confirmation, at))
    for place in (1, 2):
        invoice = charge(recording, LATE, 3 + place, confirmation.consent if place <= named else None)
        period = recording.state("subscription", LATE).period
        recording.decide("subscriptions", SUBSCRIPTION, LATE, commands.RecordPaid(period, invoice, at))
        if place == 1:
            recording.decide("subscriptions", SUBSCRIPTION, LATE, commands.ReachBoundary(1, at))
    recording.tables["invoicing", "series"][0].update(last=5, last_issued_on=date(2023, 6, 15))
    return confirmation


def catch_up(recording: Recording) -> None:
    """Add the effects of every record: inbox, projections, views, and the rows of invoicing."""
    recorded = recording.recorded_state()
    for stream in recorded.streams("invoicing", "invoice"):
        issued: Issued = stream.events[0]
        place = {"series": issued.series, "ordinal": issued.ordinal, "issued_on": issued.issued_on}
        whose = {"customer_id": ANA, "subscription_id": issued.subscription_id, "period_start": issued.period.start}
        now = {"version": stream.version, "status": stream.state.status.value}
        recording.row("invoicing", "invoices", id=stream.id, issued=json.loads(CODEC.encode(issued)[2]), **place, **whose, **now)
        for event in stream.events:
            if movement := of_invoice(stream.id, event, stream.state):
                moved(recording, movement)
    for service in SERVICE_CONSUMERS:
        handled = [record.envelope for record in recorded.first.values() if record.topic in service.consumer.topics]
        for envelope in handled:
            assert envelope is not None
            if envelope.type in service.consumer.reactions:
                recording.row(service.database, "inbox", consumer_group=service.consumer.group, event_id=envelope.id)
            data = service.consumer.decode(envelope)
            if service.database == "invoicing" and isinstance(data, PaymentEvent) and (movement := of_payment(envelope, data)):
                moved(recording, movement)
        for projection in service.consumer.projections:
            docs: dict[str, Any] = {}
            for envelope in handled:
                assert envelope is not None
                if envelope.type in projection.types:
                    docs[envelope.subject] = json.loads(json.dumps(projection.fold(docs.get(envelope.subject), envelope)))
            for aggregate, doc in docs.items():
                last = recorded.published[TECHSOLUTIONS, aggregate][-1][1]
                shown = {"customer_id": last.customerid, "sequence": last.sequence, "event_id": last.id, "doc": doc}
                recording.row(service.database, "projection", name=projection.name, aggregate=aggregate, **shown)
        if service.database == "invoicing":
            recording.row("invoicing", "merchants")
    documents = [row for row in recording.tables["portal_gateway", "projection"] if row["customer_id"] == ANA]
    view = json.loads(json.dumps(compose(ANA, sources_of(documents))))
    recording.row("portal_gateway", "customer_view", customer_id=ANA, doc=view)


def moved(recording: Recording, movement: Movement) -> None:
    facts = {name: getattr(movement, name) for name in Movement.__slots__} | {"kind": movement.kind.published[0]}
    recording.row("invoicing", "movements", **facts)
