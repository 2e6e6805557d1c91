"""Rebuild of the gateway's views from one year of events, compared with COPY of the same records into a table."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import asyncpg
import psutil
from aiokafka.structs import RecordMetadata

import portal_gateway
from bench.databases import migrated
from bench.history import HistoryRecord, history
from bench.measuring import Figures, Line, Row, Target
from bench.servers import Servers, running
from bench.serving import listens
from bench.topics import producer
from bench.usage import MIB, Meter
from chassis.kafka_access import KafkaAccess
from portalctl import topics
from portalctl.local.folder import Folder
from portalctl.local.keys import load_or_create_keys
from portalctl.local.ports import free_port
from portalctl.local.programs import Child
from portalctl.local.services import SERVICES, Service, environment, urls
from support.databases import ServiceDatabase

EVENTS: Final = 1_000_000
SEVERAL: Final = 3
"""Number of gateways that share the partitions."""
EARLY: Final = EVENTS // 4
"""Events before the first measurement of memory. Memory that grows with their number has grown by the last one."""
POLL_SECONDS: Final = 0.05
"""Interval of measurements of progress and memory."""
_MIGRATIONS: Final = Path(portal_gateway.__file__).parent / "migrations"
_TABLE: Final = """
    CREATE TABLE record (
        topic text, partition int, "offset" bigint, key bytea NOT NULL, value bytea NOT NULL,
        PRIMARY KEY (topic, partition, "offset")
    )
"""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with running() as servers:
        copied = servers.folder / "records"
        await topics.apply(KafkaAccess(servers.kafka))
        await _publish(servers, copied)
        yield Row(
            [
                partial(_rebuilt, servers, "portal", 1),
                partial(_rebuilt, servers, f"{SEVERAL} processes", SEVERAL),
                partial(_copied, servers, copied),
            ],
            [
                Line("events ÷ COPY of the same records", "portal", "COPY", target=Target(at_least=0.16)),
                Line(f"{SEVERAL} processes ÷ one", f"{SEVERAL} processes", "portal", target=Target(at_least=2.5)),
                Line("memory at its peak", "portal, peak", unit="MiB", target=Target(at_most=300)),
                Line(
                    f"memory after {EVENTS:,} events ÷ after {EARLY:,}",
                    *("portal, peak", "portal, early", "MiB"),
                    target=Target(at_most=1.15),
                ),
            ],
            # Each takes minutes, and averages over a million events are stable.
            rounds=1,
        )


async def _publish(servers: Servers, path: Path) -> None:
    """Publish the history, and write the same records to a file for COPY."""
    records = history(EVENTS)
    with path.open("wb") as file:
        file.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        async with producer(servers.kafka) as sending:
            while some := list(islice(records, 1000)):
                futures = [await sending.send(one.topic, one.value, one.key) for one in some]
                sent = await asyncio.gather(*futures)
                file.write(b"".join(map(_row, some, sent)))
        file.write(b"\xff\xff")


def _row(records: HistoryRecord, sent: RecordMetadata) -> bytes:
    """A row in PostgreSQL's binary format: the number of fields, then each field after its length."""
    fields = (
        sent.topic.encode(),
        struct.pack("!i", sent.partition),
        struct.pack("!q", sent.offset),
        records.key,
        records.value,
    )
    return struct.pack("!h", len(fields)) + b"".join(struct.pack("!i", len(field)) + field for field in fields)


async def _rebuilt(servers: Servers, name: str, count: int) -> Figures:
    """Run gateways on a database with empty tables until they have read all records."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(migrated(servers, **{"portal-gateway": _MIGRATIONS}))
        gateways = [await stack.enter_async_context(_gateway(servers, database, str(n))) for n in range(count)]
        watching = await asyncpg.connect(database.url)
        stack.push_async_callback(watching.close)
        processes = {child.program.name: child.pid for child, _ in gateways}
        process, first, peaks = psutil.Process(gateways[0][0].pid), 0, {"early": 0.0, "peak": 0.0}
        meter = Meter({})
        async for read in _progress(watching):
            for child, _ in gateways:
                if not child.alive:
                    raise RuntimeError(f"a gateway ended: {child.program.log.read_text()[-2000:]}")
            # Measure after the start and the join of the group.
            if read and not first and all(listens(child.pid, port) for child, port in gateways):
                first, meter = read, Meter({**servers.processes, **processes})
            resident = process.memory_info().rss / MIB
            peaks = {each: max(peak, resident) if each == "peak" or read < EARLY else peak for each, peak in peaks.items()}
        return {**meter.rate(name, EVENTS - first), **{f"{name}, {each}": peak for each, peak in peaks.items()}}


async def _progress(watching: asyncpg.Connection) -> AsyncIterator[int]:
    """The number of events read so far, repeatedly until all are read and every view is composed."""
    read, waits = 0, True
    while read < EVENTS or waits:
        await asyncio.sleep(POLL_SECONDS)
        waits = await watching.fetchval("SELECT EXISTS (SELECT FROM customer_view WHERE doc IS NULL)")
        read = await watching.fetchval("SELECT coalesce(sum(next), 0)::int FROM offsets")
        yield read


@asynccontextmanager
async def _gateway(servers: Servers, database: ServiceDatabase, instance: str) -> AsyncIterator[tuple[Child, int]]:
    """Start a gateway. Yields it with the port on which it will listen."""
    kind = next(kind for kind in SERVICES if kind.name == "portal-gateway")
    folder, ports = Folder(servers.folder), {name: free_port() for each in SERVICES for name in each.preferred_ports}
    variables = environment(
        kind,
        keys=load_or_create_keys(folder, [], [each.name for each in SERVICES]),
        ports=ports,
        at=urls(SERVICES, ports),
        kafka=KafkaAccess(servers.kafka),
        database_url=database.url,
        owner_url=database.owner_url,
    )
    name = f"{kind.name}.{instance}"
    settings = variables | {"INSTANCE": instance}
    service = Service(
        name, kind.package, ports[kind.name], ports[kind.admin], settings, folder.log(name), folder.secret_files / name
    )
    service.write_secrets()
    child = await Child.spawn(service.program())
    try:
        yield child, ports[kind.name]
    finally:
        await child.stop()


async def _copied(servers: Servers, path: Path) -> Figures:
    async with migrated(servers) as database:
        admin = await asyncpg.connect(database.admin_url)
        try:
            await admin.execute(_TABLE)
            meter = Meter(servers.only("postgres"))
            await admin.execute(f"COPY record FROM '{path}' WITH (FORMAT binary)")
            figures = meter.rate("COPY", EVENTS)
            if (rows := await admin.fetchval("SELECT count(*) FROM record")) != EVENTS:
                raise RuntimeError(f"{EVENTS} records, {rows} rows")
            return figures
        finally:
            await admin.close()
