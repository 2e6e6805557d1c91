"""What the gateway reads off Kafka: every public event, folded, and whoever is concerned composed anew."""

from collections.abc import Awaitable, Callable

import asyncpg

from billing_contracts import customers, registry, subscriptions
from chassis.consumers import Changed, Consumer, Erased, Projection, UnitOfWork
from chassis.consumers.offsets import caught_up
from chassis.eventsourcing.event_store import Statement
from chassis.postgres.connection import Connection
from chassis.runtime.health import Check
from chassis.tenants import merchant_projection
from portal_gateway.application.projections import FOLDS

GROUP = "portal-gateway.views"


def consumer(recompose: Callable[[Connection, Changed], Awaitable[None]], committed: Callable[[Changed], None]) -> Consumer:
    """`recompose` is called in the transaction of the change, `committed` after it."""
    profile = frozenset({customers.CustomerProfile.TYPE})
    folded = tuple(Projection(name, types, fold, state=types == profile) for name, (types, fold) in FOLDS.items())
    return Consumer(
        group=GROUP,
        topics=("billing.subscriptions", "billing.payments", "billing.invoicing", "billing.customers"),
        decode=registry.data_of,
        projections=(*folded, merchant_projection(frozenset({subscriptions.MerchantConfigured.TYPE}))),
        after=recompose,
        erased=forget,
        committed=committed,
        personal=frozenset({"billing.customers"}),
    )


def read_from_empty(pool: asyncpg.Pool, reading: Consumer) -> Check:
    """Not ready before everything that was there has been read once: a customer would find an empty page."""

    partitions = sum(registry.TOPICS[topic].partitions for topic in reading.topics)

    async def read() -> str | None:
        async with pool.acquire() as connection:
            begun = await connection.fetchval("SELECT count(*) FROM offsets WHERE consumer_group = $1", reading.group)
            done = begun >= partitions and await caught_up(connection, reading.group, reading.topics)
        return None if done else "still reading what is there"

    return read


async def forget(erased: Erased, batch: UnitOfWork) -> None:
    """Nobody comes in any more for a customer who was erased; what is asked for again finds nothing."""
    batch.write(Statement("DELETE FROM portal_link WHERE merchant_id = $1 AND customer_id = $2", (erased.merchant_id, erased.id)))
