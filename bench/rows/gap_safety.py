"""Gap safety: writers with transactions of random length, while the relay's cursor reads."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from bench.databases import migrated
from bench.measuring import Figures, Line, Row, Target
from bench.rows.append import MERCHANT
from bench.servers import Servers, running
from bench.usage import Meter, here
from chassis.outbox.cursor import RelayPosition, read_page
from chassis.outbox.relay import PAGE_SIZE

EVENTS: Final = 1_000_000
WRITERS: Final = 32
LONGEST_SECONDS: Final = 0.05
"""Longest time that a transaction stays open after its write."""
_INSERT: Final = """
    INSERT INTO events (epoch, merchant_id, stream, version, event_id, name, schema, body, topic, headers, value)
    SELECT current_epoch(), $1, $2, version, gen_random_uuid(), 'bench', 1, '{}', 'bench', '{}',
           convert_to($2 || ':' || version, 'UTF8')
    FROM generate_series($3::int, $4::int) AS version
"""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with running() as servers, migrated(servers) as database:
        yield Row(
            [partial(_run, database.url, servers)],
            [
                Line(f"events skipped, of {EVENTS:,}", "skipped", unit="", target=Target(at_most=0)),
                Line("events read twice", "doubled", unit="", target=Target(at_most=0)),
                Line("events before one that they follow", "out of order", unit="", target=Target(at_most=0)),
                Line("read by the cursor while 32 write", "read"),
            ],
            rounds=1,
        )


async def _run(url: str, servers: Servers) -> Figures:
    chance = random.Random(7)
    meter = Meter({**here(), **servers.only("postgres")})
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(_read(url))
        for _ in range(WRITERS):
            tasks.create_task(_write(url, uuid4(), EVENTS // WRITERS, random.Random(chance.random())))
    seen, doubled, disordered = reading.result()
    return {
        "skipped": EVENTS - seen,
        "doubled": doubled,
        "out of order": disordered,
        **meter.rate("read", seen),
    }


async def _write(url: str, id: UUID, events: int, chance: random.Random) -> None:
    """Write one stream; each transaction stays open for a random time after its write."""
    connection = await asyncpg.connect(url)
    try:
        version = 0
        while version < events:
            last = min(events, version + chance.randint(1, 400))
            async with connection.transaction():
                await connection.execute(_INSERT, MERCHANT, f"subscription-{id}", version + 1, last)
                await asyncio.sleep(chance.random() ** 3 * LONGEST_SECONDS)
            version = last
    finally:
        await connection.close()


async def _read(url: str) -> tuple[int, int, int]:
    """Read like the relay until all events are read or none arrives for 20 s. Returns seen, doubled, out of order."""
    connection = await asyncpg.connect(url)
    try:
        last, seen, doubled, disordered = RelayPosition(0, 0, 0), 0, 0, 0
        versions: dict[str, int] = {}
        progressed = time.monotonic()
        while seen < EVENTS and time.monotonic() - progressed < 20:
            page = await read_page(connection, last, PAGE_SIZE)
            if not page.messages:
                await asyncio.sleep(0.005)
                continue
            last, progressed = page.last, time.monotonic()
            for message in page.messages:
                stream, _, version = (message.value or b"").decode().rpartition(":")
                before = versions.get(stream, 0)
                doubled += int(version) <= before
                disordered += int(version) > before + 1
                seen += int(version) > before
                versions[stream] = max(before, int(version))
        return seen, doubled, disordered
    finally:
        await connection.close()
