"""Requests refunds from the provider, outside any transaction, until their outcome is known.

A refund is stored before the provider is called (RefundRequested), and its id is the provider's idempotency key: after a crash
it is requested again and made once.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.runtime.background import report
from payments.application.charges import NoAnswer, RefundMade, RefundOutcome, RefundRefused
from payments.application.collector import PAUSE_SECONDS_MAX
from payments.application.ports import Clock
from payments.application.provider_ports import Provider
from payments.application.queue_ports import Attempt, ChargeQueue, DueRefund
from payments.domain.payment.commands import Command, RecordRefund, RecordRefundFailed, RequestRefund
from payments.domain.payment.events import Event
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import Refusal
from payments.domain.shapes import RefundReason

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RefundWorker:
    queue: ChargeQueue
    payments: CommandHandler[Command, Event, Payment]
    provider: Provider
    clock: Clock
    timeout_seconds: float
    """Seconds that the provider may take to answer."""
    first_pause_seconds: float = 1.0
    """Seconds until the first repetition of a request without an outcome; doubled after each one."""

    async def request(self, attempt: Attempt) -> None:
        """Request to refund what is left of a charge for a voided invoice. The refund has the id of the charge."""
        order = attempt.order
        at = await self._now(order.merchant_id, order.at)
        command = RequestRefund(order.charge_id, None, RefundReason.INVOICE_VOIDED, at)
        context = Context(order.merchant_id, "timer", attempt.correlation_id, attempt.causation_id)
        await self._handle(context, attempt.invoice_id, command, order.charge_id)

    async def settle(self, refund: DueRefund) -> None:
        """Record the refund's outcome, or that one which was made has failed; or ask for it again later."""
        order, outcome = refund.order, await self._outcome(refund)
        at = await self._now(order.charge.merchant_id, order.charge.at)
        command: Command
        match outcome:
            case RefundMade() if order.made_as:
                await self.queue.confirm_refund(refund)
                return
            case RefundMade(reference):
                command = RecordRefund(order.refund_id, reference, at)
            case RefundRefused(code, reference):
                log.error("refund.refused", refund_id=str(order.refund_id), charge_id=str(order.charge.charge_id), code=code)
                command = RecordRefundFailed(order.refund_id, code, at, reference)
            case _:
                pause = min(PAUSE_SECONDS_MAX, self.first_pause_seconds * 2 ** min(refund.calls - 1, 20))
                await self.queue.postpone_refund(refund, pause)
                return
        context = Context(order.charge.merchant_id, "timer", refund.correlation_id, refund.causation_id)
        await self._handle(context, refund.invoice_id, command, order.refund_id)

    async def _outcome(self, refund: DueRefund) -> RefundOutcome | None:
        """None without an answer. Any error leaves the outcome unknown; it is never recorded as a failure."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self.provider.refund(refund.order)
        except (NoAnswer, TimeoutError):
            return None
        except Exception as error:
            report("provider", error)
            return None

    async def _handle(self, context: Context, invoice_id: UUID, command: Command, refund_id: UUID) -> None:
        try:
            await self.payments.handle(context, invoice_id, command)
        except Refusal as refusal:
            log.error("refund.command_refused", refund_id=str(refund_id), refusal=type(refusal).__name__)

    async def _now(self, merchant_id: UUID, earliest: datetime) -> datetime:
        """The time of the merchant's clock, at the earliest the start of the attempt."""
        try:
            return max(earliest, await self.clock.now(merchant_id))
        except LookupError:
            return earliest
