"""Payments and a subscription with a plan of one day, in memory. A test delivers their events in any order that Kafka
allows.
"""

from asyncio import Runner
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from unit.subscriptions.examples import PREMIUM, RULES, day

from billing_contracts.envelope import Envelope
from billing_contracts.invoicing import InvoiceIssued, invoice_id
from billing_contracts.money import Money as PublicMoney
from billing_contracts.payments import PaymentFailed, PaymentSucceeded
from billing_contracts.registry import data_of
from billing_contracts.shapes import Interval as PublicInterval
from billing_contracts.shapes import Period as PublicPeriod
from billing_contracts.shapes import Plan as PublicPlan
from billing_contracts.subscriptions import LegalIdentity, Status, SubscriptionRetryDue
from chassis.consumers import Received
from chassis.eventsourcing.command_handler import decide, rehydrate
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Statement, WriteSet
from chassis.eventsourcing.memory_store import MemoryEventStore
from payments.adapters import rows
from payments.adapters.consumers import consumer
from payments.application import aggregates
from payments.application.card_change import CardChange
from payments.application.card_change import CardChangeRequest as NewCard
from payments.application.card_setup import SetUp
from payments.application.dues import Dues
from payments.application.pay_now import ImmediatePayment, Shown
from payments.application.pay_now import PayNowRequest as Payment
from payments.application.ports import Outlook, Prospect
from payments.domain.confirmation import Consent, Period
from payments.domain.dues import Due, DueList
from payments.domain.payment.commands import RecordFailure, RecordSuccess, TryAgain
from payments.domain.shapes import FailureCode, Method, Money
from payments.domain.wallet.commands import UseMethod
from subscriptions.domain.dunning import Policies
from subscriptions.domain.period import Interval
from subscriptions.domain.period import Period as PrivatePeriod
from subscriptions.domain.plan.terms import Money as Price
from subscriptions.domain.settlement import preview_settlement
from subscriptions.domain.subscription import commands, events
from subscriptions.domain.subscription.subscription import Subscription, timers
from support.payments.examples import ANA, MERCHANT, OTHER, VISA

T = TypeVar("T")

BEGINS = day(6)
DAILY = replace(PREMIUM, interval=Interval("day"), price=Price(100, "USD"))
SUBSCRIPTION = UUID(int=0x5B)
CONTEXT = Context.beginning(MERCHANT, "operator")
WALLET = replace(aggregates.WALLET, rows=rows.of_wallet)
PAYMENT = replace(aggregates.PAYMENT, rows=rows.of_payment)
COLLECT = consumer(WALLET, PAYMENT, rows).reactions[InvoiceIssued.TYPE]


@dataclass
class Invoice:
    """A row of `collection`."""

    amount: Money
    period: Period
    paid: UUID | None = None


@dataclass
class World:
    """Also what payments reads of tables and asks of others."""

    policies: Policies
    now: datetime = BEGINS
    price: int = 100
    most: int = 100
    """Begun periods that are listed at most."""
    store: MemoryEventStore = field(default_factory=MemoryEventStore)
    subscription: Subscription | None = None
    queues: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """What is on its way, by aggregate: in its order, however it is delivered."""
    invoices: dict[UUID, Invoice] = field(default_factory=dict)
    agreed_to: dict[UUID, tuple[Method, Consent | None]] = field(default_factory=dict)
    setup: SetUp | None = None
    card: Method = VISA
    """What the customer types next."""
    sequence: int = 0
    runner: Runner = field(default_factory=Runner)

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    # The subscription

    def begin(self) -> None:
        self.run(self.write(WALLET, ANA, _use(VISA, self.now)))
        self.ask(commands.Start(ANA, 1, DAILY, 1, "UTC", self.now, self.now))

    def ask(self, command: commands.Command) -> None:
        for event in RULES.decide(command, self.subscription):
            self.subscription = RULES.evolve(self.subscription, event)
            match event:
                case events.RenewalDue(period):
                    self.queues[f"due {period.start}"].append(PublicPeriod(start=period.start, end=period.end))
                case events.RetryDue(invoice):
                    data = SubscriptionRetryDue(status=Status.PAST_DUE, invoice_id=invoice, retry_number=1)
                    self.queues[f"retry {invoice}"].append(data)

    def let_timers_fire(self) -> None:
        assert self.subscription
        for name, due in timers(self.subscription).items():
            if due <= self.now:
                commands_by_timer: dict[str, commands.Command] = {
                    "boundary": commands.ReachBoundary(1, self.now),
                    "retry": commands.Retry(self.now),
                    "give_up": commands.GiveUp(self.now),
                }
                self.ask(commands_by_timer[name])

    # What is on its way

    def deliver(self, queue: str) -> None:
        message = self.queues[queue].pop(0)
        if not self.queues[queue]:
            del self.queues[queue]
        match message:
            case PublicPeriod():
                self.queues[f"issued {message.start}"].append(self.issued(message))
            case InvoiceIssued():
                received = self.received(message, invoice_id(SUBSCRIPTION, message.period))
                self.run(COLLECT(received, FakeUnitOfWork(self)))  # type: ignore[arg-type]
            case SubscriptionRetryDue():
                self.run(self.write(PAYMENT, message.invoice_id, TryAgain(self.default, self.now)))
            case PaymentSucceeded():
                period = self.invoices[message.invoice_id].period
                self.ask(commands.RecordPaid(_private(period), message.invoice_id, self.now, message.agreed_at))
            case PaymentFailed():
                self.ask(self.failure(message))

    def failure(self, data: PaymentFailed) -> commands.RecordFailure:
        return commands.RecordFailure(
            _private(self.invoices[data.invoice_id].period),
            data.invoice_id,
            Price(data.amount.amount_minor, data.amount.currency),
            data.code,
            data.retryable,
            data.attempt,
            self.policies,
            self.now,
            data.followed,
            data.manual,
        )

    def issued(self, period: PublicPeriod) -> InvoiceIssued:
        self.sequence += 1
        price, nothing = PublicMoney(amount_minor=self.price, currency="USD"), PublicMoney(amount_minor=0, currency="USD")
        plan = PublicPlan(id=DAILY.id, name="D", description="D", price=price, interval=PublicInterval(unit="day"))
        return InvoiceIssued(
            number=f"TS-{self.sequence:06}",
            issued_on=date(2023, 6, 14),
            subscription_id=SUBSCRIPTION,
            plan=plan,
            period=period,
            period_number=self.sequence,
            lines=(),
            net_total=price,
            tax_total=nothing,
            total=price,
            seller=LegalIdentity(name="T", address="A"),
        )

    def received(self, data: InvoiceIssued, id: UUID) -> Received[InvoiceIssued]:
        envelope = Envelope(
            id=uuid4(),
            source="/billing/invoicing",
            type=data.TYPE,
            subject=f"invoice-{id}",
            time=self.now,
            recordedtime=self.now,
            sequence=1,
            merchantid=MERCHANT,
            customerid=ANA,
            correlationid=uuid4(),
            data=data.model_dump(mode="json"),
        )
        return Received(envelope, data, data.topic(), 0, 0)

    # The provider

    @property
    def charging(self) -> list[UUID]:
        """Invoices for which a charge has no outcome yet."""
        return [id for id in self.invoices if (it := self.payment(id)) and it.open]

    def answer(self, invoice: UUID, success: bool) -> None:
        it = self.payment(invoice)
        assert it is not None
        assert it.open is not None
        if success:
            self.run(self.write(PAYMENT, invoice, RecordSuccess(it.open.id, "ok", self.now)))
        else:
            method, consent = self.agreed_to.get(invoice, (None, None))
            code = FailureCode.CARD_DECLINED
            self.run(self.write(PAYMENT, invoice, RecordFailure(it.open.id, code, self.now, "no", method, consent=consent)))

    def retry_agreed(self) -> None:
        """The worker for agreements that nothing stands before any more."""
        for invoice, (method, consent) in list(self.agreed_to.items()):
            it = self.payment(invoice)
            if it and it.open is None:
                self.run(self.write(PAYMENT, invoice, TryAgain(method, self.now, consent)))
                self.agreed_to.pop(invoice, None)

    # The customer

    def listed(self) -> DueList:
        return self.run(self.dues.of(MERCHANT, ANA))

    @property
    def dues(self) -> Dues:
        return Dues(self, _Outlooks(self), _Clock(self))

    def show(self) -> None:
        self.setup = SetUp(uuid4(), MERCHANT, ANA, None, "es", None, self.listed().due)

    def change_card(self, all_of_it: bool = True) -> None:
        """Confirms what was shown. Raises what CardChange raises."""
        assert self.setup
        self.card = OTHER if self.default == VISA else VISA
        chosen = tuple(each.invoice_id for each in self.setup.due) if all_of_it else ()
        request = NewCard(ANA, self.setup.id, None, "tok", chosen)
        self.run(CardChange(_Store(self), WALLET, PAYMENT, rows, self, self.dues, self, 4).confirm(CONTEXT, request, None))  # type: ignore[arg-type]
        self.setup = None

    def pay_now(self, invoice: UUID, shown: Shown) -> None:
        """Raises what PayNow raises."""
        request = Payment(ANA, invoice, None, shown)
        paying = ImmediatePayment(_Store(self), WALLET, PAYMENT, rows, self.dues, self)  # type: ignore[arg-type]
        self.run(paying.confirm(CONTEXT, request, None, lambda _: None))  # type: ignore[arg-type, return-value]

    # What payments reads and writes

    def payment(self, invoice: UUID) -> Any:
        stream = PAYMENT.stream(MERCHANT, invoice)
        return rehydrate(PAYMENT, stream, self.run(self.store.read(stream))).state

    @property
    def wallet(self) -> Any:
        stream = WALLET.stream(MERCHANT, ANA)
        return rehydrate(WALLET, stream, self.run(self.store.read(stream))).state

    @property
    def default(self) -> Method | None:
        method: Method | None = self.wallet.default
        return method

    async def state(self, aggregate: Any, merchant_id: UUID, id: UUID) -> tuple[int, Any]:
        stream = aggregate.stream(merchant_id, id)
        past = rehydrate(aggregate, stream, await self.store.read(stream))
        return past.version, past.state

    async def write(self, aggregate: Any, id: UUID, command: Any) -> None:
        stream = aggregate.stream(MERCHANT, id)
        past = rehydrate(aggregate, stream, await self.store.read(stream))
        try:
            _, written = decide(aggregate, CONTEXT, past, command)
        except aggregate.refusal:
            return
        await self.write_and_publish(written)

    async def write_and_publish(self, written: WriteSet) -> None:
        """Writes the set, keeps its rows, and sends what it announces."""
        before = len(self.store.messages)
        await self.store.write(written)
        for statement in written.statements:
            self.row(statement)
        for message in self.store.messages[before:]:
            data = data_of(Envelope.model_validate_json(message.value or b""))
            if isinstance(data, PaymentSucceeded | PaymentFailed):
                self.queues[f"outcome {data.invoice_id}"].append(data)

    def row(self, statement: Statement) -> None:
        """The few tables that these rules read."""
        sql, args = " ".join(statement.sql.split()), statement.args
        if sql.startswith("INSERT INTO collection"):
            self.invoices.setdefault(args[1], Invoice(Money(args[5], args[6]), Period(args[8], args[9])))
        elif sql.startswith("UPDATE collection SET paid_charge"):
            self.invoices[args[1]].paid = args[2]
        elif sql.startswith("INSERT INTO agreed_charge"):
            method = next(it for it in (VISA, OTHER) if it.id == args[3])
            self.agreed_to[args[1]] = method, Consent(args[4], args[5]) if args[4] else None
        elif sql.startswith("DELETE FROM agreed_charge") and "customer_id" in sql:
            self.agreed_to.clear()
        elif sql.startswith("DELETE FROM agreed_charge") and "invoice_id" in sql:
            self.agreed_to.pop(args[1], None)

    async def due(self, merchant_id: UUID, customer_id: UUID) -> tuple[Due, ...]:
        return tuple(
            Due(id, f"TS-{place}", it.amount, SUBSCRIPTION, it.period)
            for place, (id, it) in enumerate(self.invoices.items())
            if it.paid is None
        )

    async def paying_blocked_for(self, merchant_id: UUID, invoice_id: UUID, most: int) -> int:
        return 0

    async def open(self, setup_id: UUID) -> SetUp | None:
        return self.setup

    async def blocked_for(self, merchant_id: UUID, customer_id: UUID, pays_invoice: UUID | None = None) -> int:
        return 0

    async def save(self, *_: object) -> Method:
        return self.card


class FakeUnitOfWork:
    """Executes each command at once."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def state(self, aggregate: Any, merchant_id: UUID, id: UUID) -> tuple[int, Any]:
        return await self._world.state(aggregate, merchant_id, id)

    async def complete_state(self, aggregate: Any, merchant_id: UUID, id: UUID) -> Any:
        return (await self.state(aggregate, merchant_id, id))[1]

    async def decided_before_restore(self, aggregate: Any, id: UUID, *, cause: object) -> bool:
        return False

    async def decide(self, aggregate: Any, id: UUID, command: Any, *, cause: object) -> None:
        await self._world.write(aggregate, id, command)

    def write(self, *statements: Statement) -> None:
        for statement in statements:
            self._world.row(statement)


class _Store(MemoryEventStore):
    """The world's store, which also keeps the rows of what is written."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def read_many(self, streams: Any) -> Any:
        return await self._world.store.read_many(streams)

    async def write(self, write_set: WriteSet) -> None:
        await self._world.write_and_publish(write_set)


class _Outlooks:
    def __init__(self, world: World) -> None:
        self._world = world

    async def of(self, merchant_id: UUID, customer_id: UUID) -> Outlook | None:
        """As the owner of subscriptions answers."""
        world, it = self._world, self._world.subscription
        foreseen = preview_settlement(it, world.now, world.most) if it else None
        if it is None or foreseen is None:
            return Outlook(world.now)
        amount = Money(world.price, "USD")
        begun = tuple(
            Due(invoice_id(SUBSCRIPTION, _public(period)), None, amount, SUBSCRIPTION, Period(period.start, period.end))
            for period in foreseen.begun
        )
        unpaid = invoice_id(SUBSCRIPTION, _public(it.period))
        return Outlook(world.now, (Prospect(SUBSCRIPTION, unpaid, foreseen.effect.value, begun, foreseen.more),))


class _Clock:
    def __init__(self, world: World) -> None:
        self._world = world

    async def now(self, merchant_id: UUID) -> datetime:
        return self._world.now

    async def zone(self, merchant_id: UUID) -> str:
        return "UTC"


def _use(method: Method, at: datetime) -> Any:
    return UseMethod(ANA, method, at)


def _private(period: Period) -> Any:
    return PrivatePeriod(period.start, period.end)


def _public(period: Any) -> PublicPeriod:
    return PublicPeriod(start=period.start, end=period.end)
