"""Appends of complete write sets (event, message, idempotent answer) by concurrent callers, compared with bare inserts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from bench.databases import migrated, pgbench
from bench.measuring import Figures, Line, Row, Target, Trial
from bench.rows.append_eventsourcing import recorders
from bench.servers import Servers, running
from bench.usage import Meter, Processes, here
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.eventsourcing.event_store import (
    AlreadyHandled,
    Answer,
    Append,
    IdempotencyKey,
    Message,
    RecordedEvent,
    VersionConflict,
    WriteSet,
)
from chassis.eventsourcing.stream import Stream
from chassis.postgres.pool import create_pool

CALLERS: Final = {1: 3_000, 8: 12_000, 32: 40_000, 128: 60_000}
"""Callers -> write sets per trial: two to four seconds of work."""
SECONDS: Final = 3
MERCHANT: Final = UUID(int=7)
BODY: Final = (
    '{"until":"2023-06-14T18:00:00Z","mode":"at_period_end","feedback":"too_expensive","requested_at":"2023-05-20T15:00:00Z"}'
)
ENVELOPE: Final = b'{"specversion":"1.0","type":"bench","data":%s,"padding":"%s"}' % (BODY.encode(), b"." * 124)
"""About 300 bytes."""
HEADERS: Final = {"content-type": "application/cloudevents+json", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with (
        running() as servers,
        migrated(servers) as database,
        create_pool(database.url, name="bench", min_size=8, max_size=8) as pool,
    ):
        admin = await asyncpg.connect(database.admin_url)
        try:
            scripts = await _tables(admin, servers.folder)
        finally:
            await admin.close()
        async with PostgresEventStore(pool) as store, recorders(servers) as peers:
            trials: list[Trial] = []
            for callers in CALLERS:
                trials.append(partial(_ours, store, servers, callers))
                trials.extend(
                    partial(_pgbench, database.admin_url, servers, f"{name} @{callers}", path, callers)
                    for name, path in scripts.items()
                )
            trials += [partial(_conflicts, store, servers, 32), partial(_redelivered, store, servers)]
            trials += [partial(_peer, peer) for peer in peers.values()]
            yield Row(trials, _lines(list(peers)))


def _lines(peers: Sequence[str]) -> list[Line]:
    bare = {32: Target(at_least=0.9), 128: Target(at_least=1.2)}
    same = {32: Target(at_least=1.5), 128: Target(at_least=3.0)}
    of_peers = {"eventsourcing": Target(at_least=20), "eventsourcing, database functions": Target(at_least=8)}
    lines = []
    for n in CALLERS:
        lines.append(Line(f"{n} callers ÷ pgbench, bare row", f"portal @{n}", f"bare row @{n}", target=bare.get(n)))
        lines.append(Line(f"{n} callers ÷ pgbench, same bytes and indexes", f"portal @{n}", f"same row @{n}", target=same.get(n)))
    lines.append(Line("32 callers, 1 % conflicts ÷ none", "portal, conflicts", "portal @32", target=Target(at_least=0.6)))
    lines.append(Line("a batch of 500 delivered again", "portal, redelivered"))
    lines += [Line(f"32 callers ÷ {peer}", "portal @32", f"{peer} @32", target=of_peers[peer]) for peer in peers]
    return lines


def write_set(stream: Stream | None = None) -> WriteSet:
    """The write set of a cancellation: an event with its message, and the answer under its idempotency key."""
    own = stream or Stream(MERCHANT, "subscription", uuid4())
    message = Message("billing.subscriptions", own.id.bytes, ENVELOPE, HEADERS)
    event = RecordedEvent(1, "cancellation-scheduled", 1, BODY, own, uuid4(), message)
    key = IdempotencyKey(MERCHANT, f"customer:{own.id}", "POST /v1/subscriptions/{id}/cancellation", str(uuid4()), "0" * 64)
    return WriteSet((Append(own, 0, (event,)),), (key, Answer(202, {"aggregate": own.name, "version": 1})))


async def write_all(
    store: PostgresEventStore, sets: Sequence[WriteSet], callers: int, *, name: str, postgres: Processes
) -> Figures:
    """Write sets per second of concurrent callers, each sequential, as the figure `name`. Conflicts count as done."""
    waiting, meter = iter(sets), Meter({**here(), **postgres})

    async def call() -> None:
        for one in waiting:
            with suppress(VersionConflict):
                await store.write(one)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(call())
    return meter.rate(name, len(sets))


async def _ours(store: PostgresEventStore, servers: Servers, callers: int) -> Figures:
    sets = [write_set() for _ in range(CALLERS[callers])]
    return await write_all(store, sets, callers, name=f"portal @{callers}", postgres=servers.only("postgres"))


async def _conflicts(store: PostgresEventStore, servers: Servers, callers: int) -> Figures:
    taken = Stream(MERCHANT, "subscription", uuid4())
    await store.write(write_set(taken))
    sets = [write_set(taken if i % 100 == 50 else None) for i in range(CALLERS[callers])]
    return await write_all(store, sets, callers, name="portal, conflicts", postgres=servers.only("postgres"))


async def _redelivered(store: PostgresEventStore, servers: Servers) -> Figures:
    """Reactions to 500 events that were handled before: the inbox refuses each, and no row is written."""
    handled = [WriteSet(inbox=(("bench", uuid4()),)) for _ in range(500)]
    await asyncio.gather(*map(store.write, handled))
    meter = Meter({**here(), **servers.only("postgres")})
    outcomes = await asyncio.gather(*map(store.write, handled), return_exceptions=True)
    figures = meter.rate("portal, redelivered", len(outcomes))
    if not all(isinstance(outcome, AlreadyHandled) for outcome in outcomes):
        raise RuntimeError("a redelivered event was handled again")
    return figures


async def _pgbench(url: str, servers: Servers, name: str, script: Path, callers: int) -> Figures:
    return await pgbench(url, script, name=name, postgres=servers.only("postgres"), callers=callers, seconds=SECONDS)


async def _tables(admin: asyncpg.Connection, folder: Path) -> dict[str, Path]:
    """The tables and scripts of the other side: a bare row, and a row of the same bytes with the same indexes."""
    await admin.execute("CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL)")
    await admin.execute("CREATE TABLE same_events (LIKE events INCLUDING ALL)")
    await admin.execute("CREATE TABLE same_idempotency (LIKE idempotency INCLUDING ALL)")
    bare = folder / "bare.sql"
    bare.write_text(f"INSERT INTO bare (body) VALUES ('{ENVELOPE.decode()}');\n")
    same = folder / "same.sql"
    headers = '{"content-type":"application/cloudevents+json","traceparent":"' + HEADERS["traceparent"] + '"}'
    same.write_text(
        "WITH own AS (SELECT gen_random_uuid() AS id), event AS (INSERT INTO same_events"
        " (epoch, merchant_id, stream, version, event_id, name, schema, body, topic, headers, value)"
        f" SELECT 1, '{MERCHANT}', 'subscription-' || id, 1, gen_random_uuid(), 'cancellation-scheduled', 1::smallint,"
        f" '{BODY}', 'billing.subscriptions', '{headers}', '{ENVELOPE.decode()}' FROM own)"
        " INSERT INTO same_idempotency (merchant_id, subject, route, key, fingerprint, status, answer)"
        f" SELECT '{MERCHANT}', 'customer:' || id, 'POST /v1/subscriptions/{{id}}/cancellation', gen_random_uuid(),"
        f' \'{"0" * 64}\', 202::smallint, \'{{"aggregate":"subscription","version":1}}\' FROM own;\n'
    )
    return {"bare row": bare, "same row": same}


async def _peer(append_many: "partial[Figures]") -> Figures:
    return await asyncio.to_thread(append_many)
