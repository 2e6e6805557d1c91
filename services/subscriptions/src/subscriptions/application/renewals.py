"""The commands of a subscription's timers. A renewal names the revision that the customer's profile has at that moment."""

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from chassis.eventsourcing.aggregate import OnTimer
from subscriptions.application.aggregates import on_timer
from subscriptions.domain.subscription.commands import Command
from subscriptions.domain.subscription.subscription import Subscription

RevisionOf = Callable[[UUID, UUID], Awaitable[int]]
"""(merchant, subscription) -> the revision of its customer's profile"""


def timer_commands(revision_of: RevisionOf) -> Callable[[UUID, UUID], Awaitable[OnTimer[Subscription, Command]]]:
    async def load(merchant_id: UUID, id: UUID) -> OnTimer[Subscription, Command]:
        return partial(on_timer, customer_revision=await revision_of(merchant_id, id))

    return load
