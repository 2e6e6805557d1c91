"""The collector over a memory provider, in the hands of a test."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID, uuid4

from unit.payments.memory_provider import MemoryProvider

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.memory_store import MemoryEventStore
from payments.application.aggregates import PAYMENT
from payments.application.charges import ChargeOrder, RefundOrder
from payments.application.collector import Collector
from payments.application.queue_ports import AgreedMethod, Agreement, Attempt, DueRefund
from payments.application.refunds import RefundWorker
from payments.domain.confirmation import Consent
from payments.domain.payment.payment import Payment
from payments.domain.shapes import Method
from support.payments.examples import ANA, COLLECT, INVOICE, MERCHANT, OTHER, PRICE, VISA, charge, day

BLUE = Context(MERCHANT, "timer", uuid4(), uuid4())


@dataclass
class Claimed:
    """What was claimed, in a test's own hands."""

    agreed_method: Method | None = None
    consent: Consent | None = None
    backup_method: Method | None = None
    pauses: list[float] = field(default_factory=list)
    forgotten: list[UUID] = field(default_factory=list)
    confirmed: list[UUID] = field(default_factory=list)
    """Refunds that were made and have not failed since."""

    async def attempts(self, most: int, lease: float) -> list[Attempt]:
        return []

    async def unrequested_refunds(self, most: int, lease: float) -> list[Attempt]:
        return []

    async def refunds(self, most: int, lease: float) -> list[DueRefund]:
        return []

    async def agreements(self, most: int, lease: float) -> list[Agreement]:
        return []

    async def agreed(self, merchant_id: UUID, invoice_id: UUID) -> AgreedMethod | None:
        return AgreedMethod(self.agreed_method, self.consent) if self.agreed_method else None

    async def backup(self, merchant_id: UUID, customer_id: UUID) -> Method | None:
        return self.backup_method

    async def forget(self, agreement: Agreement) -> None:
        self.forgotten.append(agreement.invoice_id)

    async def postpone(self, attempt: Attempt, seconds: float) -> None:
        self.pauses.append(seconds)

    async def postpone_refund(self, refund: DueRefund, seconds: float) -> None:
        self.pauses.append(seconds)

    async def confirm_refund(self, refund: DueRefund) -> None:
        self.confirmed.append(refund.order.refund_id)

    async def now(self, merchant_id: UUID) -> datetime:
        return day(15)

    async def zone(self, merchant_id: UUID) -> str:
        return "UTC"


class Bench:
    def __init__(self) -> None:
        self.store, self.provider, self.claimed = MemoryEventStore(), MemoryProvider(), Claimed()
        for method in (VISA, OTHER):
            self.provider.methods[method.id] = (MERCHANT, ANA, method)
        self.payments = CommandHandler(self.store, PAYMENT)
        self.collector = Collector(self.claimed, self.payments, self.provider, self.claimed, timeout_seconds=0.05)
        self.refunds = RefundWorker(self.claimed, self.payments, self.provider, self.claimed, timeout_seconds=0.05)

    async def started(self, method: Method = VISA) -> Attempt:
        await self.payments.handle(BLUE, INVOICE, replace(COLLECT, method=method))
        return self.attempt(1, method)

    def attempt(self, number: int, method: Method) -> Attempt:
        order = ChargeOrder(MERCHANT, ANA, charge(number).id, method.id, PRICE, day(14), "UTC")
        return Attempt(order, INVOICE, 1, False, BLUE.correlation_id, uuid4())

    def due_refund(self, attempt: Attempt) -> DueRefund:
        """The refund of a charge for a voided invoice."""
        order = RefundOrder(attempt.order, attempt.order.charge_id, attempt.order.amount)
        return DueRefund(order, attempt.invoice_id, 1, attempt.correlation_id, attempt.causation_id)

    async def event_names(self) -> list[str]:
        return [stored.name for stored in await self.store.read(PAYMENT.stream(MERCHANT, INVOICE))]

    async def state(self) -> Payment:
        _, state = await self.payments.state(MERCHANT, INVOICE)
        assert state is not None
        return state
