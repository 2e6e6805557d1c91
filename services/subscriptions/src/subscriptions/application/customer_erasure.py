"""Ends all subscriptions of a customer: before the erasure, and again after it for those that were started meanwhile."""

from uuid import UUID

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.tenants import Tenants
from subscriptions.application.ports import Customers
from subscriptions.domain.subscription.commands import Cancel, Command
from subscriptions.domain.subscription.events import Event
from subscriptions.domain.subscription.refusals import AlreadyCancelled
from subscriptions.domain.subscription.subscription import Subscription


class CustomerErasure:
    def __init__(
        self, subscriptions: CommandHandler[Command, Event, Subscription], customers: Customers, tenants: Tenants
    ) -> None:
        self._subscriptions, self._customers, self._tenants = subscriptions, customers, tenants

    async def end_all(self, context: Context, customer_id: UUID) -> None:
        """Unpaid invoices are voided: after the erasure there is no customer to collect them from."""
        at = await self._tenants.now(context.merchant_id)
        for id in await self._customers.subscriptions(context.merchant_id, customer_id):
            try:
                await self._subscriptions.handle(context, id, Cancel("immediately", "merchant", "void", at))
            except AlreadyCancelled:
                continue
