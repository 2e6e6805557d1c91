"""Restored stores are compared with the topics of a real broker: forks, unsent events, adopted events, topics that were lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.event_store.blocked_streams import release
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.lost_events import StreamBlocked
from chassis.kafka_access import KafkaAccess
from chassis.outbox.relay import Relay
from chassis.postgres.migrate import CHASSIS, migrate
from chassis.postgres.pool import create_pool
from portalctl import topics
from portalctl.local.errors import StackError
from portalctl.recovery.reconcile import reconciliation
from portalctl.recovery.refill import refill
from portalctl.recovery.report import RecoveryReport
from portalctl.recovery.servers import Servers
from portalctl.recovery.topic_log import event_of, open_log
from subscriptions.adapters import rows
from subscriptions.application.aggregates import SUBSCRIPTION
from subscriptions.domain.period import Interval
from subscriptions.domain.plan.terms import Money, Plan
from subscriptions.domain.subscription import commands
from support.databases import ServiceDatabase, fresh_database
from support.topics import own_topics
from verify.sources import DATABASES

MERCHANT = UUID(int=5)
CONTEXT = Context.beginning(MERCHANT, "operator")
TOPIC = "billing.subscriptions"
NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
MONTHLY = Plan(UUID(int=6), "Monthly", "Monthly", Money(2999, "USD"), Interval("month", 1))
AGGREGATE = replace(SUBSCRIPTION, rows=rows.of_subscription)


@dataclass
class System:
    """The four databases and the topics, without services."""

    databases: dict[str, ServiceDatabase]
    kafka: KafkaAccess

    @property
    def servers(self) -> Servers:
        return Servers({name: each.owner_url for name, each in self.databases.items()}, self.kafka)

    async def handle(self, subscription: UUID, *several: commands.Command) -> None:
        url = self.databases["subscriptions"].url
        async with create_pool(url, name="test", min_size=1, max_size=5) as pool, PostgresEventStore(pool) as store:
            handler = CommandHandler(store, AGGREGATE)
            for command in several:
                await handler.handle(CONTEXT, subscription, command)

    async def start(self, subscription: UUID) -> None:
        await self.handle(subscription, commands.Start(uuid4(), 1, MONTHLY, 1, "UTC", NOON, NOON))

    async def relay(self) -> None:
        """Send everything, as the running service would."""
        url, stop = self.databases["subscriptions"].url, asyncio.Event()
        relaying = asyncio.create_task(Relay("subscriptions", url, self.kafka).run(stop))
        while await self.fetchval("SELECT count(*) FROM events, relay WHERE " + _AFTER) or await self.fetchval(_UNSENT_STATES):
            await asyncio.sleep(0.05)
            assert not relaying.done(), relaying.exception()
        stop.set()
        await relaying

    async def fetchval(self, sql: str, *values: Any) -> Any:
        connection = await asyncpg.connect(self.databases["subscriptions"].owner_url)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    async def on_topic(self) -> list[tuple[str, int, UUID]]:
        """(stream, sequence, event id) of each first appearance; each stream's in order, streams of other partitions anywhere."""
        async with open_log(self.kafka) as log:
            events = [event_of(record) async for record in log.records(TOPIC, {})]
        rows = [(each.envelope.subject, each.envelope.sequence, each.envelope.id) for each in events if each]
        return list(dict.fromkeys(rows))

    async def back_up(self) -> str:
        """A copy of the subscriptions database."""
        name = f"copy_{uuid4().hex[:12]}"
        await self._on_server(f"CREATE DATABASE {name} TEMPLATE {self._name}")
        return name

    async def restore(self, backup: str) -> None:
        """Replace the database by the copy, and mark it."""
        owner = urlsplit(self.databases["subscriptions"].owner_url).username
        await self._on_server(f"DROP DATABASE {self._name} WITH (FORCE)", f"ALTER DATABASE {backup} RENAME TO {self._name}")
        await self._on_server(f"ALTER DATABASE {self._name} OWNER TO {owner}")
        await self.fetchval("INSERT INTO restoration (note) VALUES ('from a copy') RETURNING 1")

    async def reconcile(self, *, adopting: bool = False) -> RecoveryReport:
        async with reconciliation(self.servers) as work:
            return await work.apply(await work.examine(), adopting=adopting, erase_vanished=False)

    @property
    def _name(self) -> str:
        return urlsplit(self.databases["subscriptions"].admin_url).path.removeprefix("/")

    async def _on_server(self, *statements: str) -> None:
        server = self.databases["subscriptions"].admin_url.rsplit("/", 1)[0]
        connection = await asyncpg.connect(f"{server}/postgres")
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


_AFTER = "(events.epoch, events.xid, events.position) > (relay.epoch, relay.xid, relay.position)"
_UNSENT_STATES = "SELECT count(*) FROM outbox"


@pytest.fixture
async def system(postgres_url: str, kafka_bootstrap: str) -> AsyncIterator[System]:
    kafka = KafkaAccess(kafka_bootstrap)
    async with AsyncExitStack() as closing:
        await closing.enter_async_context(own_topics(kafka_bootstrap))
        await topics.apply(kafka)
        databases = {}
        for name in DATABASES:
            database = databases[name] = await closing.enter_async_context(fresh_database(postgres_url, name))
            owner = await asyncpg.connect(database.owner_url)
            package = Path(str(import_module(name).__file__)).parent
            components = {"chassis": CHASSIS, name: package / "migrations"}
            await migrate(owner, components, urlsplit(database.url).username or "")
            await owner.close()
        yield System(databases, kafka)


async def test_a_fork_keeps_the_services_stopped_and_is_not_sent(system: System) -> None:
    forked, ahead = uuid4(), uuid4()
    await system.start(forked)
    await system.relay()
    backup = await system.back_up()
    await system.handle(forked, _cancel("at_period_end"))
    await system.relay()
    before = await system.on_topic()
    await system.restore(backup)
    await system.handle(forked, replace(_cancel("at_period_end"), by="customer"))
    await system.start(ahead)

    report = await system.reconcile()
    assert not report.clean
    [(service, (merchant, stream), comparison, accepted)] = report.forks
    assert (service, merchant, stream, accepted) == ("subscriptions", MERCHANT, f"subscription-{forked}", False)
    assert [each.envelope.sequence for each in (fork.published for fork in comparison.forks)] == [3]
    assert await system.fetchval("SELECT count(*) FROM restoration") == 1
    await system.relay()
    later = [each for each in await system.on_topic() if each not in before]
    assert [(name, sequence) for name, sequence, _ in later] == [(f"subscription-{ahead}", 1), (f"subscription-{ahead}", 2)]
    with pytest.raises(StreamBlocked):
        await system.handle(forked, commands.WithdrawCancellation(NOON))

    owner = await asyncpg.connect(system.databases["subscriptions"].owner_url)
    async with owner.transaction():
        await release(owner, MERCHANT, f"subscription-{forked}", "the later cancellation holds")
    await owner.close()
    assert (await system.reconcile()).clean
    assert await system.fetchval("SELECT count(*) FROM restoration") == 0


async def test_events_that_follow_from_their_public_form_are_adopted_up_to_the_first_other(system: System) -> None:
    id = uuid4()
    await system.start(id)
    await system.relay()
    backup = await system.back_up()
    paid = await _paid_period(system, id)
    await system.handle(id, paid, _cancel("at_period_end"))
    await system.relay()
    known = await system.on_topic()
    await system.restore(backup)
    assert await system.fetchval("SELECT count(*) FROM open_sagas WHERE subscription_id = $1", id) == 1

    report = await system.reconcile(adopting=True)
    assert report.clean
    of_id = {
        each.event.envelope.type.split(".")[2]: each.adopted for each in report.lost if str(id) in each.event.envelope.subject
    }
    assert of_id == {"SubscriptionRenewed": True, "SubscriptionCancellationScheduled": False}
    assert await system.fetchval("SELECT count(*) FROM open_sagas WHERE subscription_id = $1", id) == 0
    stored = "SELECT array_agg(event_id ORDER BY version) FROM events WHERE stream = $1"
    stream = f"subscription-{id}"
    assert await system.fetchval(stored, stream) == [each for name, _, each in known if name == stream]
    await system.relay()
    assert await system.on_topic() == known


async def test_a_database_in_use_is_refused(system: System) -> None:
    settings = {"application_name": "subscriptions.0"}
    session = await asyncpg.connect(system.databases["subscriptions"].url, server_settings=settings)
    try:
        with pytest.raises(StackError, match="stop all services first"):
            await system.reconcile()
    finally:
        await session.close()


async def test_lost_topics_are_made_again_in_the_order_of_each_stream(system: System) -> None:
    first, second = uuid4(), uuid4()
    await system.start(first)
    await system.start(second)
    await system.fetchval(
        "INSERT INTO customers (merchant_id, id, revision, name, email) VALUES ($1, $2, 3, 'Ana', 'ana@example.com') RETURNING 1",
        MERCHANT,
        uuid4(),
    )
    await system.fetchval(
        "INSERT INTO customers (merchant_id, id, revision, erased_at) VALUES ($1, $2, 1, now()) RETURNING 1", MERCHANT, uuid4()
    )
    await system.relay()
    with pytest.raises(StackError, match="Kafka was not lost"):
        await refill(system.servers, recreate=False)
    refilled = await refill(system.servers, recreate=True)
    assert (refilled.events[TOPIC], refilled.profiles, refilled.tombstones) == (4, 1, 1)
    await system.relay()
    sequences = [(stream, sequence) for stream, sequence, _ in await system.on_topic()]
    for id in (first, second):
        assert [sequence for stream, sequence in sequences if stream == f"subscription-{id}"] == [1, 2]
    async with open_log(system.kafka) as log:
        values = [record.value is None async for record in log.records("billing.customers", {})]
    assert sorted(values) == [False, True]


def _cancel(mode: Any) -> commands.Cancel:
    return commands.Cancel(mode, "merchant", "void", NOON + timedelta(hours=1))


async def _paid_period(system: System, id: UUID) -> commands.RecordPaid:
    url = system.databases["subscriptions"].url
    async with create_pool(url, name="test", min_size=1, max_size=5) as pool, PostgresEventStore(pool) as store:
        _, state = await CommandHandler(store, AGGREGATE).state(MERCHANT, id)
    assert state is not None
    return commands.RecordPaid(state.period, uuid4(), NOON, None)
