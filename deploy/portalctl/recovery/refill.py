"""Makes the topics again from the databases, after Kafka was lost."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient

from billing_contracts.registry import TOPICS
from chassis.eventsourcing.context import Context
from chassis.postgres.connection import Connection
from portalctl import topics
from portalctl.local.errors import StackError
from portalctl.recovery.servers import Servers
from portalctl.recovery.stores import OWNERS, Store, open_stores, topic_of
from portalctl.recovery.topic_log import open_log
from subscriptions.application.profiles import TOPIC, Customer, Profile, announcement, erasure

_PROFILES_AT_ONCE = 5000


@dataclass(frozen=True)
class Refilled:
    events: dict[str, int]
    """Topic -> events that the relay will send."""
    profiles: int
    tombstones: int


async def refill(servers: Servers, *, recreate: bool) -> Refilled:
    """Create missing topics, and set every relay back to its first event. Kafka receives the messages when the services start.

    Inbox, sequences and the new ids of the topics keep every consumer from a second effect. Raises StackError while a service
    runs, and if a topic still has records that would then be there twice; with `recreate` those topics are deleted first.
    """
    async with AsyncExitStack() as closing:
        stores = await open_stores(servers, closing)
        if recreate:
            await _delete_topics(servers)
        await topics.apply(servers.kafka)
        await _require_empty(servers)
        counts = {topic_of(name): await _reset(stores[name]) for name in OWNERS}
        async with stores["subscriptions"].connection.transaction():
            profiles, tombstones = await _announce_profiles(stores["subscriptions"].connection)
        return Refilled(counts, profiles, tombstones)


async def _require_empty(servers: Servers) -> None:
    async with open_log(servers.kafka) as log:
        for name in (*(topic_of(each) for each in OWNERS), TOPIC):
            if filled := sum((await log.ends(name)).values()):
                advice = "to delete the topics and make them again use --recreate"
                raise StackError(f"{name} has {filled} records, so Kafka was not lost; {advice}")


async def _delete_topics(servers: Servers) -> None:
    admin = AIOKafkaAdminClient(**servers.kafka.options())
    await admin.start()
    try:
        existing = [name for name in await admin.list_topics() if name in TOPICS]
        if existing:
            await admin.delete_topics(existing)
    finally:
        await admin.close()


async def _reset(store: Store) -> int:
    """Set the relay before its first event."""
    count: int = await store.connection.fetchval("SELECT count(*) FROM events")
    await store.connection.execute("UPDATE relay SET epoch = 0, xid = '0', position = 0, ends = '{}', moved_at = now()")
    return count


async def _announce_profiles(connection: Connection) -> tuple[int, int]:
    """Put every current profile, and a tombstone of every erased customer, into the outbox in place of its rows.

    The profiles get a new revision: subscribers know the old one under the id of an event that is lost.
    """
    await connection.execute("DELETE FROM outbox WHERE topic = $1", TOPIC)
    await connection.execute("UPDATE customers SET revision = revision + 1 WHERE erased_at IS NULL")
    profiles = tombstones = 0
    cursor = connection.cursor(
        """
        SELECT merchant_id, id, revision, erased_at, created_at, name, email, locale, country, tax_id, address, purchase_order
        FROM customers ORDER BY merchant_id, id
        """,
        prefetch=_PROFILES_AT_ONCE,
    )
    async for row in cursor:
        merchant_id, id, revision, erased_at, created_at, *fields = row
        if erased_at is not None:
            statement, tombstones = erasure(merchant_id, id), tombstones + 1
        else:
            customer = Customer(id, revision, Profile(*fields))
            statement = announcement(Context.beginning(merchant_id, "operator"), customer, created_at)
            profiles += 1
        await connection.execute(statement.sql, *statement.args)
    return profiles, tombstones
