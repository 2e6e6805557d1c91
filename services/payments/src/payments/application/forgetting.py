"""Detaches cards at the provider that are no longer to be charged: removed ones, and those of one-time payments."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from payments.application.charges import NoAnswer
from payments.application.provider_ports import Provider
from payments.application.queue_ports import OneTimeMethod, RemovedMethod

log = structlog.get_logger()
Detached = TypeVar("Detached", RemovedMethod, OneTimeMethod)


@dataclass(frozen=True, slots=True)
class Forgetting(Generic[Detached]):
    forgotten: Callable[[Detached], Awaitable[None]]
    """Stores that the provider has detached the card."""
    provider: Provider
    timeout_seconds: float
    """Seconds that the provider may take to answer."""

    async def forget(self, method: Detached) -> None:
        """Without an answer the method is claimed again when its lease has ended. Repeating the call has no second effect."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await self.provider.forget(method.merchant_id, method.customer_id, method.method_id)
        except (NoAnswer, TimeoutError):
            log.warning("payment_method.forget_unanswered", method_id=str(method.method_id))
            return
        await self.forgotten(method)
