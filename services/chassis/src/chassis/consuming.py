"""Consumers of Kafka: what a service does about the events of others, one transaction per batch."""

import asyncio
from collections.abc import Sequence

import asyncpg

from chassis.batch import Batch
from chassis.consumer import Changed, Consumer, Reaction
from chassis.member import Member
from chassis.projection import Projection
from chassis.records import Erased, Received

__all__ = ["Batch", "Changed", "Consumer", "Erased", "Projection", "Reaction", "Received", "run_consumers"]


async def run_consumers(
    consumers: Sequence[Consumer], *, service: str, pool: asyncpg.Pool, bootstrap: str, instance: str, stop: asyncio.Event
) -> None:
    """Reads until `stop`; survives whatever passes by itself. `instance` is stable per replica and unique among them."""
    async with asyncio.TaskGroup() as members:
        for consumer in consumers:
            client_id = f"{service}.{instance}"
            members.create_task(Member(consumer, pool, bootstrap, instance, client_id, stop).run())
