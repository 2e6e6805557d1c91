"""Customers' profiles and erasures on the compacted topic, which a restored database has forgotten."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

import asyncpg

from billing_contracts.customers import CustomerProfile
from billing_contracts.records import Record, named_by
from chassis.consumers.batch_processor import BatchProcessor
from chassis.decoding import RawRecord
from chassis.postgres.connection import Connection
from chassis.postgres.pool import create_pool
from portalctl.recovery.classification import TopicEvent
from portalctl.recovery.topic_log import TopicLog, event_of
from subscriptions.adapters.tables.customers import CustomersTable
from verify.consumers import SERVICE_CONSUMERS

TOPIC = CustomerProfile.topic()
_FIELDS = tuple(CustomerProfile.model_fields)
CustomerKey = tuple[UUID, UUID]
"""(merchant, customer)"""


@dataclass
class LatestStates:
    """The last record of each customer on the topic."""

    profiles: dict[CustomerKey, TopicEvent] = field(default_factory=dict)
    erased: set[CustomerKey] = field(default_factory=set)

    def take(self, record: RawRecord) -> None:
        merchant_id, subject = named_by(record.key)
        if merchant_id is None or subject is None:
            return
        key = merchant_id, UUID(subject.partition("-")[2])
        if record.value is None:
            self.erased.add(key)
            self.profiles.pop(key, None)
        elif (event := event_of(record)) is not None and key not in self.erased:
            # An erasure is final. A profile after it was sent again by a relay that was late.
            self.profiles[key] = event


async def read_states(log: TopicLog) -> LatestStates:
    """Reads the whole topic: it has one profile per customer, and the tombstones of at least 30 days."""
    states = LatestStates()
    async for record in log.records(TOPIC, {}):
        states.take(record)
    return states


@dataclass(frozen=True)
class Differences:
    """Between the topic and the restored table."""

    newer: tuple[TopicEvent, ...]
    """Profiles of which the topic has a later revision, or that the table lacks."""
    erased: tuple[CustomerKey, ...]
    """Customers that were erased after the backup."""
    vanished: tuple[CustomerKey, ...]
    """Customers in the table without any record on the topic: erased so long ago that the tombstone is gone, or never sent."""


async def differences(connection: Connection, states: LatestStates) -> Differences:
    rows = await connection.fetch("SELECT merchant_id, id, revision, erased_at IS NOT NULL AS erased FROM customers")
    table = {(row["merchant_id"], row["id"]): row for row in rows}
    unsent = {
        (merchant_id, UUID(subject.partition("-")[2]))
        for row in await connection.fetch("SELECT key FROM outbox WHERE topic = $1", TOPIC)
        for merchant_id, subject in [named_by(row["key"])]
        if merchant_id and subject
    }
    newer = [
        event
        for key, event in states.profiles.items()
        if key not in table or (not table[key]["erased"] and event.envelope.sequence > table[key]["revision"])
    ]
    erased = [key for key in states.erased if key in table and not table[key]["erased"]]
    vanished = [
        key
        for key, row in table.items()
        if not row["erased"] and key not in states.profiles and key not in states.erased and key not in unsent
    ]
    return Differences(tuple(newer), tuple(sorted(erased)), tuple(sorted(vanished)))


async def still_known(connection: Connection, erased: Iterable[CustomerKey]) -> set[CustomerKey]:
    """Of these erased customers, those with a projected profile in a database of a consumer."""
    keys = list(erased)
    rows = await connection.fetch(
        """
        SELECT requested.merchant_id, requested.id FROM unnest($1::uuid[], $2::uuid[]) AS requested (merchant_id, id)
        WHERE EXISTS (
            SELECT FROM projection
            WHERE projection.merchant_id = requested.merchant_id AND aggregate = 'customer-' || requested.id
        )
        """,
        [merchant_id for merchant_id, _ in keys],
        [customer_id for _, customer_id in keys],
    )
    return {(row["merchant_id"], row["id"]) for row in rows}


async def adopt_profiles(connection: Connection, events: Iterable[TopicEvent]) -> None:
    """Take the topic's newer profiles over, in the caller's transaction: the public form is the whole profile."""
    columns, numbers = ", ".join(_FIELDS), ", ".join(f"${number}" for number in range(4, 4 + len(_FIELDS)))
    changes = ", ".join(f"{name} = excluded.{name}" for name in _FIELDS)
    for event in events:
        envelope = event.envelope
        customer_id = UUID(envelope.subject.partition("-")[2])
        await connection.execute(
            f"""
            INSERT INTO customers (merchant_id, id, revision, {columns}) VALUES ($1, $2, $3, {numbers})
            ON CONFLICT (merchant_id, id) DO UPDATE SET revision = excluded.revision, {changes}
            WHERE customers.erased_at IS NULL AND customers.revision < excluded.revision
            """,
            envelope.merchantid,
            customer_id,
            envelope.sequence,
            *(envelope.data.get(name) for name in _FIELDS),
        )
        # An older revision that waits to be sent would be the last one on the compacted topic.
        await connection.execute("DELETE FROM outbox WHERE topic = $1 AND key = $2", TOPIC, event.message.key)


async def erase_again(databases: Mapping[str, str], keys: Iterable[CustomerKey]) -> None:
    """Erase these customers in all databases as the services do it, and publish the tombstone again. Idempotent."""
    erased = list(keys)
    if not erased:
        return
    own = create_pool(databases["subscriptions"], name="portalctl recovery", min_size=1, max_size=1)
    async with own as pool, pool.acquire() as proxy:
        connection, customers = cast(asyncpg.Connection, proxy), CustomersTable(pool)
        for merchant_id, customer_id in erased:
            async with connection.transaction():
                key = f"{merchant_id}/customer-{customer_id}".encode()
                await connection.execute("DELETE FROM outbox WHERE topic = $1 AND key = $2", TOPIC, key)
                await customers.erase(connection, merchant_id, customer_id)
    tombstones = [Record(TOPIC, 0, 0, f"{merchant_id}/customer-{id}".encode(), None) for merchant_id, id in erased]
    for service in SERVICE_CONSUMERS:
        if TOPIC not in service.consumer.topics:
            continue
        async with create_pool(databases[service.database], name="portalctl recovery", min_size=1, max_size=2) as pool:
            await BatchProcessor(service.consumer, pool, asyncio.Event()).handle(tombstones, _no_offsets)


async def _no_offsets(connection: Connection, records: object) -> None:
    """The records do not come from the log: the service's position stays."""
