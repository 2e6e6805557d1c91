"""Detaches removed cards at the provider, so that they cannot be charged there either."""

import asyncio
from dataclasses import dataclass

import structlog

from payments.application.charges import NoAnswer
from payments.application.provider_ports import Provider
from payments.application.queue_ports import OneTimeMethod, RemovedMethod

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Forgetting:
    removed: RemovedMethods
    provider: Provider
    timeout_seconds: float
    """Seconds that the provider may take to answer."""

    async def forget(self, method: RemovedMethod) -> None:
        """Without an answer the method is claimed again when its lease has ended. Repeating the call has no second effect."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await self.provider.forget(method.merchant_id, method.customer_id, method.method_id)
        except (NoAnswer, TimeoutError):
            log.warning("payment_method.forget_unanswered", method_id=str(method.method_id))
            return
        await self.removed.forgotten(method)
