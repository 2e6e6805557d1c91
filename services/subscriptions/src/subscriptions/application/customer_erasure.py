"""Ending whatever a customer still has: before they are erased, and for as long as anything started meanwhile."""

from uuid import UUID

from chassis.eventsourcing.context import Context
from chassis.tenants import Tenants
from subscriptions.application.ports import Customers
from subscriptions.application.renewals import Subscriptions
from subscriptions.domain.subscription.commands import Cancel
from subscriptions.domain.subscription.refusals import AlreadyCancelled


class CustomerErasure:
    def __init__(self, subscriptions: Subscriptions, customers: Customers, tenants: Tenants) -> None:
        self._subscriptions, self._customers, self._tenants = subscriptions, customers, tenants

    async def end_all(self, context: Context, customer_id: UUID) -> None:
        """Nothing that is unpaid is kept: nobody is left who could be asked for it."""
        at = await self._tenants.now(context.merchant_id)
        for id in await self._customers.subscriptions(context.merchant_id, customer_id):
            try:
                await self._subscriptions.handle(context, id, Cancel("immediately", "merchant", "void", at))
            except AlreadyCancelled:
                continue
