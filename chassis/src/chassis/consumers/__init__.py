"""Consumer groups: process the events of other services, one transaction per batch.

Services import from this package only; its modules are internal.
"""

import asyncio
from collections.abc import Sequence

import asyncpg

from chassis.consumers.consumer import Changed, Consumer, CustomerKey, Reaction
from chassis.consumers.group_member import ConsumerGroupMember
from chassis.consumers.progress import check_consumers
from chassis.consumers.unit_of_work import StaleRead, UnitOfWork
from chassis.decoding import Erased, Received
from chassis.kafka_access import KafkaAccess
from chassis.outbox.commit_signals import CommitSignals
from chassis.projections.projection import Projection
from chassis.runtime.health import Health

__all__ = [
    "Changed",
    "Consumer",
    "CustomerKey",
    "Erased",
    "Projection",
    "Reaction",
    "Received",
    "StaleRead",
    "UnitOfWork",
    "run_consumers",
]


async def run_consumers(
    consumers: Sequence[Consumer],
    *,
    service: str,
    pool: asyncpg.Pool,
    kafka: KafkaAccess,
    instance: str,
    stop: asyncio.Event,
    health: Health | None = None,
    commits: CommitSignals | None = None,
) -> None:
    """Run one member per consumer group until `stop` is set.

    `instance`: stable for a replica and unique among the replicas, for static membership. `health` reports a group that
    makes no progress. `commits` is signalled when reactions have committed events.
    """
    client_id = f"{service}.{instance}"
    members = [ConsumerGroupMember(consumer, pool, kafka, instance, client_id, stop, commits) for consumer in consumers]
    if health is not None:
        check_consumers(health, [(consumer.group, member.progress) for consumer, member in zip(consumers, members, strict=True)])
    async with asyncio.TaskGroup() as tasks:
        for member in members:
            tasks.create_task(member.run())
