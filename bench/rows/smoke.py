"""A guard against regressions: processor time of every hot path, as a multiple of hello-world's in the same round.

It takes about a minute on a quiet machine. Its ratios are compared with those in `bench/baseline.json`. Commands and renewals
count until relays and consumers have finished, so on a busy machine the share of idle processes in them grows.
"""

import asyncio
from asyncio import Event
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Final

import asyncpg

from bench.clones import Original, Values
from bench.crowd import cancel_and_withdraw
from bench.databases import migrated
from bench.events import renewals
from bench.load import Call, load
from bench.measuring import Figures, Line, Row
from bench.renewals import due_by_the_month, prepare_due, renew
from bench.rows.append import write_all, write_set
from bench.rows.command import SERVICE, send_commands
from bench.rows.consume import consume
from bench.rows.overview import GATEWAY, HELLO, Endpoint, visitor
from bench.rows.project import CONSUMER, TOGETHER, project
from bench.servers import Servers
from bench.stack import Stack, portal, processes, subscribe, until_quiet
from bench.topics import fresh_topic, producer, publish
from bench.usage import HERE, Meter, here
from chassis.consumers.batch_processor import BatchProcessor
from chassis.consumers.group_member import MAX_RECORDS
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.postgres.pool import create_pool
from portalctl.local.folder import Folder
from portalctl.local.layout import layout_as_started
from support.system_stack import shop

BASELINE: Final = Path(__file__).parents[1] / "baseline.json"
ROUNDS: Final = 3
CONNECTIONS: Final = 32
REQUESTS: Final = {HELLO: 8_000, "overview": 1_500, "page": 400}
STREAMS: Final = 100
COMMANDS: Final = 6 * STREAMS
DUE: Final = 200
SETS: Final = 4_000
CALLERS: Final = 32
IDLE_SECONDS: Final = 2.0
EVENTS: Final = 4_000
"""Projected events; five times as many are consumed without a handler."""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with portal() as seller, visitor(seller) as endpoints, shop(seller.stack) as other:
        stack, monthly = seller.stack, await due_by_the_month(await other.customer())
        due = await prepare_due(monthly, DUE * ROUNDS)
        calls = cancel_and_withdraw(seller, await subscribe(seller, STREAMS))
        async with (
            migrated(_servers(stack)) as database,
            create_pool(database.url, name="bench", min_size=8, max_size=8) as pool,
            PostgresEventStore(pool) as store,
        ):
            trials = [partial(_requests, name, endpoints[name]) for name in REQUESTS]
            yield Row(
                [
                    partial(_idle, stack),
                    *trials,
                    partial(_commands, stack, calls),
                    partial(_renewals, monthly, due),
                    partial(_appended, stack, store),
                    partial(_consumed, _servers(stack), pool, await _topic(stack)),
                    partial(_projected, stack, pool),
                ],
                _lines(),
                rounds=ROUNDS,
                baseline=BASELINE,
            )


def _lines() -> list[Line]:
    figures = {
        "overview, Python": f"overview, CPU {GATEWAY}",
        "overview, PostgreSQL": "overview, CPU postgres",
        "page of twelve invoices, Python": f"page, CPU {GATEWAY}",
        "page of twelve invoices, PostgreSQL": "page, CPU postgres",
        "a command, its service": f"command, CPU {SERVICE}",
        "a command with all that follows": "command, CPU",
        "a renewal until paid": "renewal, CPU",
        "a write set of 32 callers": "append, CPU",
        "an event without a handler, Python": f"portal, CPU {HERE}",
        "an event that is projected, Python": f"{TOGETHER}, CPU {HERE}",
        "an event that is projected, PostgreSQL": f"{TOGETHER}, CPU postgres",
        "a second in which nothing happens": "idle, CPU",
    }
    return [Line(text, figure, f"{HELLO}, CPU", "µs") for text, figure in figures.items()]


def _servers(stack: Stack) -> Servers:
    """The stack's servers, in the form that rows without a stack use."""
    folder = Folder(stack.folder)
    return Servers(
        postgres_url=layout_as_started(folder).admin_url,
        postgres_password="",
        kafka=stack.state["kafka"]["bootstrap_servers"],
        folder=stack.folder,
        processes=processes(stack, "postgres", "kafka"),
    )


async def _topic(stack: Stack) -> str:
    bootstrap = stack.state["kafka"]["bootstrap_servers"]
    topic = await fresh_topic(bootstrap)
    async with producer(bootstrap) as sending:
        await publish(sending, topic, [(each.key(), each.value()) for each in renewals(EVENTS, 5)])
    return topic


async def _requests(name: str, endpoint: Endpoint) -> Figures:
    calls: Iterator[Call] = repeat(endpoint.call, REQUESTS[name])
    meter = Meter(endpoint.processes)
    (await load(endpoint.url, calls, connections=CONNECTIONS)).expect(200)
    return meter.each(name, REQUESTS[name])


async def _idle(stack: Stack) -> Figures:
    """Processor time of one idle second."""
    await until_quiet(stack)
    meter = Meter(processes(stack))
    await asyncio.sleep(IDLE_SECONDS)
    return meter.each("idle", IDLE_SECONDS)


async def _commands(stack: Stack, calls: Iterator[Call]) -> Figures:
    meter = Meter(processes(stack))
    await send_commands(stack.urls[SERVICE], calls, COMMANDS)
    await until_quiet(stack)
    return meter.each("command", COMMANDS)


async def _renewals(monthly: Original, due: list[Values]) -> Figures:
    return await renew("renewal", monthly, [due.pop() for _ in range(DUE)])


async def _appended(stack: Stack, store: PostgresEventStore) -> Figures:
    sets = [write_set() for _ in range(SETS)]
    return await write_all(store, sets, CALLERS, name="append", postgres=processes(stack, "postgres"))


async def _consumed(servers: Servers, pool: asyncpg.Pool, topic: str) -> Figures:
    return await consume(servers, pool, topic, 5 * EVENTS)


async def _projected(stack: Stack, pool: asyncpg.Pool) -> Figures:
    processes_ = {**here(), **processes(stack, "postgres")}
    return await project(BatchProcessor(CONSUMER, pool, Event()), processes_, TOGETHER, EVENTS, MAX_RECORDS)
