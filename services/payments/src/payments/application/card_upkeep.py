"""Brings cards on file up to date with the provider: the network has replaced one, or the provider has it no longer."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from billing_contracts.expiry import expired
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from payments.application.charges import NoAnswer, NotConnected
from payments.application.ports import Clock
from payments.application.provider_ports import Provider
from payments.application.queue_ports import ReportedMethod, ReportedMethods
from payments.domain.wallet.commands import Command, RefreshMethod, RemoveMethod
from payments.domain.wallet.events import Event
from payments.domain.wallet.refusals import NoSuchPaymentMethod
from payments.domain.wallet.wallet import Wallet

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CardUpkeep:
    reported: ReportedMethods
    wallets: CommandHandler[Command, Event, Wallet]
    provider: Provider
    clock: Clock
    timeout_seconds: float
    """Seconds that the provider may take to answer."""

    async def update(self, reported: ReportedMethod) -> None:
        """Store what the provider has. Without an answer the card is claimed again when its lease has ended."""
        merchant_id, customer_id = reported.merchant_id, reported.customer_id
        try:
            async with asyncio.timeout(self.timeout_seconds):
                method = await self.provider.read(merchant_id, customer_id, reported.method_id)
        except NotConnected:
            await self.reported.read(reported)  # without an account there is nothing to read, and nothing to charge
            return
        except (NoAnswer, TimeoutError):
            log.warning("payment_method.read_unanswered", method_id=str(reported.method_id))
            return
        at = await self.clock.now(merchant_id)
        command = RefreshMethod(method, at) if method else await self._removal(merchant_id, customer_id, reported.method_id, at)
        with contextlib.suppress(NoSuchPaymentMethod):  # removed meanwhile
            await self.wallets.handle(Context.beginning(merchant_id, "timer"), customer_id, command)
        await self.reported.read(reported)

    async def _removal(self, merchant_id: UUID, customer_id: UUID, method_id: UUID, at: datetime) -> RemoveMethod:
        log.info("payment_method.detached", method_id=str(method_id))
        _, wallet = await self.wallets.state(merchant_id, customer_id)
        zone = ZoneInfo(await self.clock.zone(merchant_id))
        over = (it.id for it in wallet.methods if expired(it.exp_month, it.exp_year, at, zone)) if wallet else ()
        return RemoveMethod(method_id, subscription_active=True, at=at, expired=frozenset(over), detached=True)
