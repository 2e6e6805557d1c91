"""The gateway's Kafka consumer: it folds every public event into documents and recomposes the views of the affected customers."""

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


def consumer(recompose: Callable[[Connection, Changed], Awaitable[None]], notify: Callable[[Changed], None]) -> Consumer:
    """`recompose` runs in the transaction of the change, `notify` after it."""
    profile = frozenset({customers.CustomerProfile.TYPE})
    folded = tuple(Projection(name, types, fold, state=types == profile) for name, (types, fold) in FOLDS.items())
    return Consumer(
        group=GROUP,
        topics=("billing.subscriptions", "billing.payments", "billing.invoicing", "billing.customers"),
        decode=registry.data_of,
        projections=(*folded, merchant_projection(frozenset({subscriptions.MerchantConfigured.TYPE}))),
        before_commit=recompose,
        on_erased=delete_links,
        after_commit=notify,
        personal_topics=frozenset({"billing.customers"}),
    )


def initial_read(pool: asyncpg.Pool, consumer: Consumer) -> Check:
    """Not ready until all records present at the first start have been read: before that, customers would see empty pages."""

    partitions = sum(registry.TOPICS[topic].partitions for topic in consumer.topics)

    async def check() -> str | None:
        async with pool.acquire() as connection:
            started = await connection.fetchval("SELECT count(*) FROM offsets WHERE consumer_group = $1", consumer.group)
            done = started >= partitions and await caught_up(connection, consumer.group, consumer.topics)
        return None if done else "the topics have not been read up to now"

    return check


async def delete_links(erased: Erased, unit: UnitOfWork) -> None:
    """Delete an erased customer's portal links and invoice links; their sessions are deleted with them."""
    for sql in (
        "DELETE FROM portal_link WHERE merchant_id = $1 AND customer_id = $2",
        "DELETE FROM invoice_link WHERE merchant_id = $1 AND customer_id = $2",
    ):
        unit.write(Statement(sql, (erased.merchant_id, erased.id)))
