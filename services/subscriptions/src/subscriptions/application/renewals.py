"""Firing a subscription's timers: a renewal names the customer's profile as it is at that moment."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from subscriptions.application.aggregates import on_timer
from subscriptions.domain.subscription.commands import Command
from subscriptions.domain.subscription.events import Event
from subscriptions.domain.subscription.subscription import Subscription

RevisionOf = Callable[[UUID, UUID], Awaitable[int]]
"""(merchant, subscription) -> the revision of its customer's profile"""


@dataclass(frozen=True)
class Subscriptions(CommandHandler[Command, Event, Subscription]):
    revision_of: RevisionOf

    async def fire(self, context: Context, id: UUID, name: str, now: datetime) -> Outcome[Event, Subscription] | None:
        revision = await self.revision_of(context.merchant_id, id)
        told = replace(self.aggregate, on_timer=partial(on_timer, customer_revision=revision))
        return await CommandHandler(self.store, told).fire(context, id, name, now)
