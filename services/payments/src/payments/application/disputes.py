"""Reads the disputes about charges from the provider, outside any transaction, and records what the provider reports.

An event of the provider makes a charge due. While one of its disputes is open it is read again once a day.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid5

import structlog

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from payments.application.charges import DisputeReport, NoAnswer
from payments.application.ports import Clock
from payments.application.provider_ports import Provider
from payments.application.queue_ports import DisputeQueue, DueDisputes
from payments.domain.payment.commands import Command, RecordDispute
from payments.domain.payment.events import Dispute, DisputeClosed, DisputeOpened, Event
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import Refusal

log = structlog.get_logger()

PAUSE_SECONDS_MAX = 3600.0
"""Between two requests without an answer."""
DAY_SECONDS = 86_400.0
EMPTY_LISTS_MAX = 5
"""How often a list without disputes is read again after an event: the provider may list a dispute later than it reports it."""


@dataclass(frozen=True, slots=True)
class DisputeWorker:
    queue: DisputeQueue
    payments: CommandHandler[Command, Event, Payment]
    provider: Provider
    clock: Clock
    timeout_seconds: float
    """Seconds that the provider may take to answer."""
    first_pause_seconds: float = 1.0
    """Seconds until the first repetition of a request without an answer; doubled after each one."""
    count: Callable[[DisputeOpened | DisputeClosed], None] = lambda _: None
    """Receives each event that was recorded."""

    async def settle(self, due: DueDisputes) -> None:
        """Record each dispute about the charge, and decide when they are read again."""
        reports = await self._reports(due)
        recorded = reports is not None and all([await self._record(due, each) for each in reports])
        if not recorded or (not reports and due.calls < EMPTY_LISTS_MAX):
            pause = min(PAUSE_SECONDS_MAX, self.first_pause_seconds * 2 ** min(due.calls - 1, 20))
            await self.queue.postpone_disputes(due, pause)
            return
        is_open = any(each.outcome is None for each in reports or ())
        await self.queue.postpone_disputes(due, DAY_SECONDS if is_open else None)

    async def _reports(self, due: DueDisputes) -> Sequence[DisputeReport] | None:
        """None without an answer."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self.provider.disputes(due.order)
        except (NoAnswer, TimeoutError):
            return None

    async def _record(self, due: DueDisputes, report: DisputeReport) -> bool:
        """False if the payment does not know yet that this charge took the money."""
        order = due.order
        dispute = Dispute(
            uuid5(order.charge_id, report.reference),
            report.amount,
            report.reason,
            report.reference,
            report.inquiry,
            report.respond_by,
        )
        command = RecordDispute(order.charge_id, dispute, await self._now(due), report.outcome, report.returned)
        context = Context(order.merchant_id, "timer", due.correlation_id, due.causation_id)
        try:
            handled = await self.payments.handle(context, due.invoice_id, command)
        except Refusal as refusal:
            log.warning("dispute.command_refused", charge_id=str(order.charge_id), refusal=type(refusal).__name__)
            return False
        for event in handled.outcome.events if handled.outcome else ():
            if isinstance(event, DisputeOpened | DisputeClosed):
                self.count(event)
                facts = {"dispute_id": str(event.dispute.id), "inquiry": event.dispute.inquiry}
                outcome = event.outcome.value if isinstance(event, DisputeClosed) else None
                log.warning("dispute.reported", charge_id=str(order.charge_id), outcome=outcome, **facts)
        return True

    async def _now(self, due: DueDisputes) -> datetime:
        """The time of the merchant's clock, at the earliest the start of the attempt."""
        try:
            return max(due.order.at, await self.clock.now(due.order.merchant_id))
        except LookupError:
            return due.order.at
