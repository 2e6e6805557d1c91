"""Requests the outcome of open charges from the provider, outside any transaction, until it is known."""

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.runtime.background import report
from payments.application.charges import Busy, NeedsCustomer, NoAnswer, Refused, Status, Taken, UnknownCharge
from payments.application.ports import Clock
from payments.application.provider_ports import Provider
from payments.application.queue_ports import Agreement, Attempt, ChargeQueue
from payments.domain.payment.commands import (
    Command,
    RecordAuthenticationNeeded,
    RecordFailure,
    RecordNoAnswer,
    RecordSuccess,
    TryAgain,
)
from payments.domain.payment.events import Event
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import Refusal
from payments.domain.shapes import FailureCode

log = structlog.get_logger()

PAUSE_SECONDS_MAX = 300.0
"""Between two requests about a charge with an unknown outcome."""
AUTHENTICATION_MINUTES = 15
"""How long a charge waits for the customer."""
AUTHENTICATION_PAUSE_SECONDS = 20.0
"""Between two requests about a charge that waits for the customer. Their answer wakes it earlier."""


@dataclass(frozen=True, slots=True)
class Collector:
    queue: ChargeQueue
    payments: CommandHandler[Command, Event, Payment]
    provider: Provider
    clock: Clock
    timeout_seconds: float
    """Seconds that the provider may take to answer."""
    first_pause_seconds: float = 1.0
    """Seconds until the first repetition of a request without an answer; doubled after each one."""

    async def settle(self, attempt: Attempt) -> None:
        """Record the charge's outcome, or that it is unknown."""
        try:
            answer = await self._answer(attempt)
        except Busy:
            await self.queue.postpone(attempt, self._pause(attempt) * random.uniform(0.5, 1.5))
            return
        match answer:
            case Taken(reference):
                await self._record(attempt, RecordSuccess(attempt.order.charge_id, reference, await self._now(attempt)))
            case Refused() as refused:
                await self._record(attempt, await self._failure(attempt, refused))
            case NeedsCustomer() if attempt.order.on_session:
                await self._wait_for_customer(attempt)
            case _:
                await self._wait(attempt)

    async def retry_agreed(self, agreement: Agreement) -> None:
        """Start the attempt that a customer agreed to while another one was open.

        Most agreed attempts start in the write set in which the other one fails. This is for agreements that were
        stored at the moment of that failure.
        """
        context = Context.beginning(agreement.merchant_id, "timer")
        await self.payments.handle(context, agreement.invoice_id, TryAgain(agreement.method, agreement.at, agreement.consent))
        await self.queue.forget(agreement)

    async def _answer(self, attempt: Attempt) -> Status | None:
        """None without an answer. Any error leaves the outcome unknown; it is never recorded as a failure. Raises Busy."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self._ask(attempt)
        except Busy:
            raise
        except (NoAnswer, TimeoutError):
            return None
        except Exception as error:
            report("provider", error)
            return None

    async def _ask(self, attempt: Attempt) -> Status:
        if attempt.voided:
            return await self.provider.cancel(attempt.order)
        if attempt.calls > 1:
            status = await self.provider.status(attempt.order)
            if attempt.left and not isinstance(status, Taken | Refused):
                return abandoned(await self.provider.cancel(attempt.order))
            if not isinstance(status, UnknownCharge):
                return status
        return await self.provider.charge(attempt.order)

    async def _failure(self, attempt: Attempt, refused: Refused) -> RecordFailure:
        agreed = await self.queue.agreed(attempt.order.merchant_id, attempt.invoice_id)
        backup = await self.queue.backup(attempt.order.merchant_id, attempt.order.customer_id)
        return RecordFailure(
            attempt.order.charge_id,
            refused.code,
            await self._now(attempt),
            refused.reference,
            agreed=agreed.method if agreed else None,
            final=attempt.voided,
            consent=agreed.consent if agreed else None,
            remedy=refused.remedy,
            backup=backup,
        )

    async def _wait(self, attempt: Attempt) -> None:
        pause = self._pause(attempt)
        at = await self._now(attempt)
        await self._record(attempt, RecordNoAnswer(attempt.order.charge_id, at + timedelta(seconds=pause), at))
        await self.queue.postpone(attempt, pause)

    async def _wait_for_customer(self, attempt: Attempt) -> None:
        until = datetime.now(UTC) + timedelta(minutes=AUTHENTICATION_MINUTES)
        needed = RecordAuthenticationNeeded(attempt.order.charge_id, until, await self._now(attempt))
        await self._record(attempt, needed)
        await self.queue.postpone(attempt, AUTHENTICATION_PAUSE_SECONDS)

    def _pause(self, attempt: Attempt) -> float:
        return float(min(PAUSE_SECONDS_MAX, self.first_pause_seconds * 2 ** min(attempt.calls - 1, 20)))

    async def _record(self, attempt: Attempt, command: Command) -> None:
        order = attempt.order
        context = Context(order.merchant_id, "timer", attempt.correlation_id, attempt.causation_id)
        try:
            await self.payments.handle(context, attempt.invoice_id, command)
        except Refusal as refusal:
            log.error("charge.outcome_refused", charge_id=str(order.charge_id), refusal=type(refusal).__name__)

    async def _now(self, attempt: Attempt) -> datetime:
        """The time of the merchant's clock, at the earliest the start of the attempt."""
        try:
            return max(attempt.order.at, await self.clock.now(attempt.order.merchant_id))
        except LookupError:
            return attempt.order.at


def abandoned(status: Status) -> Status:
    """A provider that cancels a charge may report no reason: the customer has not answered."""
    if isinstance(status, Refused) and status.code is FailureCode.PROCESSING_ERROR:
        return replace(status, code=FailureCode.AUTHENTICATION_ABANDONED, remedy=None)
    return status
