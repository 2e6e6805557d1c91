"""Recovery: each service and the broker is killed under load, and the time until all consumers have caught up."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import cycle
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from bench.crowd import cancel_and_withdraw, crowd
from bench.load import Call, load
from bench.measuring import Figures, Line, Row, Target
from bench.serving import answers
from bench.stack import Customer, Shop, portal
from portalctl.local.kafka import cluster_id_of
from portalctl.settings import Settings
from support.system_stack import Stack
from verify.consumers import SERVICE_CONSUMERS
from verify.running import verify
from verify.sources import Sources, sources_of

VICTIMS: Final = ("subscriptions", "payments", "invoicing", "portal-gateway", "kafka")
CUSTOMERS: Final = 100
CHANGES: Final = 100
"""Cancellations and withdrawals per second."""
STARTS: Final = 5
"""New subscriptions per second. Each is invoiced and charged, so every service has work in progress."""
ALLOWED_SECONDS: Final = 2.0
"""Allowed time to resume, in addition to the share of the backlog."""
RELAYED: Final = 20_000
"""Assumed rate of the backlog per second: a low result of the row `relay` with two cores."""

Databases = Mapping[str, asyncpg.Connection]
Ends = Mapping[str, Mapping[str, int]]
"""The next offset of each partition, by topic and partition."""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with portal() as seller, AsyncExitStack() as stack:
        customers = await crowd(seller, CUSTOMERS)
        sources = sources_of(seller.stack.state, seller.stack.folder / "logs", Settings())
        databases: dict[str, asyncpg.Connection] = {}
        for name, url in sources.databases.items():
            databases[name] = await asyncpg.connect(url)
            stack.push_async_callback(databases[name].close)
        yield Row([partial(_all_killed, seller, customers, sources, databases)], _lines())


def _lines() -> list[Line]:
    lines = []
    for victim in VICTIMS:
        text = f"{victim} killed: caught up ÷ {ALLOWED_SECONDS:g} s + backlog ÷ relay rate"
        lines.append(Line(text, victim, f"{victim}, allowed", "s", Target(at_most=1)))
        lines.append(Line(f"{victim} killed: backlog when it was back", f"{victim}, backlog", unit=""))
    return [*lines, Line("invariants that did not survive", "broken", unit="", target=Target(at_most=0))]


async def _all_killed(seller: Shop, customers: Sequence[Customer], sources: Sources, databases: Databases) -> Figures:
    figures: dict[str, float] = {}
    for victim in VICTIMS:
        async with asyncio.TaskGroup() as tasks:
            loads = (
                (cancel_and_withdraw(seller, [each.subscription for each in customers]), CHANGES),
                (_starts(seller, customers), STARTS),
            )
            loading = [tasks.create_task(_keep_calling(seller, calls, rate)) for calls, rate in loads]
            await asyncio.sleep(1)
            await _caught_up(databases)
            seconds, backlog = await _killed(seller.stack, victim, databases)
            for task in loading:
                task.cancel()
        figures |= {victim: seconds, f"{victim}, allowed": ALLOWED_SECONDS + backlog / RELAYED, f"{victim}, backlog": backlog}
    result = await verify(sources, patience=60, progress=lambda _: None)
    return figures | {"broken": sum(not verdict.holds for verdict in result.verdicts)}


async def _killed(stack: Stack, victim: str, databases: Databases) -> tuple[float, int]:
    """Kill a process. Returns the seconds from its first answer until the backlog at that time is consumed, and the backlog."""
    killed, ends = stack.state["processes"][victim], await _sent(databases)
    stack.signal(victim, signal.SIGKILL)
    async with asyncio.timeout(60):
        while stack.state["processes"].get(victim) == killed or not await _answers(stack, victim, ends):
            await asyncio.sleep(0.01)
        begun, backlog = time.perf_counter(), await _backlog(databases)
        await _caught_up(databases)
    return time.perf_counter() - begun, backlog


async def _answers(stack: Stack, process: str, ends: Ends) -> bool:
    if process != "kafka":
        return answers(urlsplit(stack.urls[process]).port or 0)
    # The broker reports its cluster id one or two seconds before it has recovered its logs and leads them.
    bootstrap = stack.state["kafka"]["bootstrap_servers"]
    if await cluster_id_of(bootstrap) is None:
        return False
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=1000)
    try:
        await consumer.start()
        await consumer.end_offsets([TopicPartition(topic, int(number)) for topic, of in ends.items() for number in of])
    except KafkaError:
        return False
    finally:
        await consumer.stop()
    return True


async def _backlog(databases: Databases) -> int:
    unsent = [await _unsent(database, await _last(database)) for database in databases.values()]
    return sum(unsent) + await _unread(databases, await _sent(databases))


async def _caught_up(databases: Databases) -> None:
    """Wait until all events committed now are sent and consumed."""
    committed = {name: await _last(database) for name, database in databases.items()}
    while any([await _unsent(database, committed[name]) for name, database in databases.items()]):
        await asyncio.sleep(0.01)
    sent = await _sent(databases)
    while await _unread(databases, sent):
        await asyncio.sleep(0.01)


async def _last(database: asyncpg.Connection) -> int:
    """The highest position of an event."""
    last: int = await database.fetchval(
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('events', 'position')), 0)"
    )
    return last


async def _unsent(database: asyncpg.Connection, last: int) -> int:
    waiting: int = await database.fetchval(
        """
        SELECT count(*) FROM events e, relay r
        WHERE (e.epoch, e.xid, e.position) > (r.epoch, r.xid, r.position) AND e.position <= $1
        """,
        last,
    )
    return waiting


async def _sent(databases: Databases) -> Ends:
    """The ends of the sent records, as stored by the relays."""
    ends: dict[str, Mapping[str, int]] = {}
    for database in databases.values():
        ends |= json.loads(await database.fetchval("SELECT ends FROM relay"))
    return ends


async def _unread(databases: Databases, ends: Ends) -> int:
    waiting = 0
    for service in SERVICE_CONSUMERS:
        rows = await databases[service.database].fetch(
            "SELECT topic, partition::text, next FROM offsets WHERE consumer_group = $1", service.consumer.group
        )
        read = {(row["topic"], row["partition"]): row["next"] for row in rows}
        for topic in service.consumer.topics:
            waiting += sum(max(0, end - read.get((topic, partition), 0)) for partition, end in ends.get(topic, {}).items())
    return waiting


async def _keep_calling(seller: Shop, calls: Iterator[Call], rate: float) -> None:
    """Send calls until cancelled. An unavailable service is called again."""
    while True:
        try:
            answers = await load(seller.stack.urls["subscriptions"], calls, connections=8, seconds=1, rate=rate)
            answers.expect(200, 201, 202, 409)  # after a lost command the next one may change nothing
        except* (OSError, EOFError):
            await asyncio.sleep(0.05)


def _starts(seller: Shop, customers: Sequence[Customer]) -> Iterator[Call]:
    for customer in cycle(customers):
        headers = {"authorization": f"Bearer {seller.backend.key}", "idempotency-key": str(uuid4())}
        body = json.dumps({"customer_id": customer.id, "plan_id": seller.plan}).encode()
        yield Call.of("POST", f"{seller.stack.urls['subscriptions']}/v1/subscriptions", headers, body)
