"""Consumers of Kafka: what a service does about the events of others, one transaction per batch."""

import asyncio
from collections.abc import Sequence

import asyncpg

from chassis.batch import Batch
from chassis.consumer import Changed, Consumer, Reaction
from chassis.health import Health
from chassis.member import Member
from chassis.postgres.commits import Commits
from chassis.projection import Projection
from chassis.readiness import check_consumers
from chassis.records import Erased, Received

__all__ = ["Batch", "Changed", "Consumer", "Erased", "Projection", "Reaction", "Received", "run_consumers"]


async def run_consumers(
    consumers: Sequence[Consumer],
    *,
    service: str,
    pool: asyncpg.Pool,
    bootstrap: str,
    instance: str,
    stop: asyncio.Event,
    health: Health | None = None,
    commits: Commits | None = None,
) -> None:
    """Reads until `stop`. `instance` is stable per replica and unique among them; `health` shows which group stands still.
    `commits` is signalled when reactions committed events.
    """
    client_id = f"{service}.{instance}"
    members = [Member(consumer, pool, bootstrap, instance, client_id, stop, commits) for consumer in consumers]
    if health is not None:
        check_consumers(health, [(consumer.group, member.progress) for consumer, member in zip(consumers, members, strict=True)])
    async with asyncio.TaskGroup() as tasks:
        for member in members:
            tasks.create_task(member.run())
