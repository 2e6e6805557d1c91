"""Group commit: a fault of one write set or a lost connection does not affect the other sets of a group."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.event_store.idempotency_expiry import expire_some
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.eventsourcing.aggregate import Loaded
from chassis.eventsourcing.command_handler import CommandHandler, decide
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer, IdempotencyKey, Statement, WriteSet
from chassis.outbox.cursor import RelayPosition, read_page
from support.databases import ServiceDatabase
from support.lamps import CONTEXT, LAMP, MERCHANT, NOON, Count

KEY = IdempotencyKey(MERCHANT, "customer:ana", "POST /lamp", "k", "body")


@pytest.fixture
async def shades(service: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A table of the service, and an administrator's connection."""
    owner = await asyncpg.connect(service.admin_url)
    try:
        await owner.execute("CREATE TABLE shades (lamp uuid PRIMARY KEY, colour text UNIQUE CHECK (colour <> ''))")
        await owner.execute("GRANT ALL ON shades TO PUBLIC")
        yield owner
    finally:
        await owner.close()


def appended(*statements: Statement, id: UUID | None = None) -> WriteSet:
    stream = LAMP.stream(MERCHANT, id or uuid4())
    return replace(decide(LAMP, CONTEXT, Loaded(stream, 0, None), Count(NOON))[1], statements=statements)


def shade(colour: object) -> WriteSet:
    id = uuid4()
    return appended(Statement("INSERT INTO shades (lamp, colour) VALUES ($1, $2)", (id, colour)), id=id)


async def test_statements_are_written_with_their_events(postgres_store: PostgresEventStore, shades: asyncpg.Connection) -> None:
    await asyncio.gather(*(postgres_store.write(shade(f"colour {i}")) for i in range(30)))
    assert await shades.fetchval("SELECT count(*) FROM shades JOIN events ON stream = 'lamp-' || lamp") == 30


@pytest.mark.parametrize("colour", ["", "taken", 7, "\0"], ids=["check", "unique", "type", "encoding"])
async def test_an_invalid_set_fails_alone(postgres_store: PostgresEventStore, shades: asyncpg.Connection, colour: object) -> None:
    await postgres_store.write(shade("taken"))
    good = [shade(f"colour {i}") for i in range(10)]
    results = await asyncio.gather(*map(postgres_store.write, [*good[:5], shade(colour), *good[5:]]), return_exceptions=True)
    assert [result for result in results if result] == [results[5]]
    assert await shades.fetchval("SELECT count(*) FROM shades JOIN events ON stream = 'lamp-' || lamp") == 11
    assert await shades.fetchval("SELECT count(*) FROM events") == 11


async def test_a_cancelled_caller_does_not_affect_others(postgres_store: PostgresEventStore, pool: asyncpg.Pool) -> None:
    callers = [asyncio.create_task(postgres_store.write(appended())) for _ in range(20)]
    await asyncio.sleep(0)
    for caller in callers[::2]:
        caller.cancel()
    await asyncio.gather(*callers[1::2])
    assert await pool.fetchval("SELECT count(*) FROM events") >= 10


async def test_a_lost_connection_loses_and_repeats_nothing(
    postgres_store: PostgresEventStore, pool: asyncpg.Pool, shades: asyncpg.Connection
) -> None:
    lamps, ids = CommandHandler(postgres_store, LAMP), [uuid4() for _ in range(16)]

    async def toggle_25_times(id: UUID) -> None:
        for _ in range(25):
            await lamps.handle(CONTEXT, id, Count(NOON))

    writing = asyncio.gather(*(toggle_25_times(id) for id in ids))
    while not writing.done():
        await asyncio.sleep(0.1)
        await shades.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE query LIKE '%INSERT INTO events%' AND pid <> pg_backend_pid()
            """
        )
    await writing
    assert {(await lamps.state(MERCHANT, id))[0] for id in ids} == {25}


async def test_writing_a_stored_set_again_succeeds(postgres_store: PostgresEventStore, pool: asyncpg.Pool) -> None:
    """As after a connection that was lost before the result arrived."""
    write_set = appended()
    await postgres_store.write(write_set)
    await postgres_store.write(write_set)
    assert await pool.fetchval("SELECT count(*) FROM events") == 1


async def test_the_cursor_orders_transaction_ids_numerically(
    postgres_store: PostgresEventStore, pool: asyncpg.Pool, service: ServiceDatabase
) -> None:
    for _ in range(12):
        await postgres_store.write(appended())
    admin = await asyncpg.connect(service.admin_url)
    try:
        await admin.execute("UPDATE events SET xid = (position % 12 + 1)::text::xid8")
        messages, last = 0, RelayPosition(0, 0, 0)
        while (page := await read_page(admin, last, 5)).messages:
            assert page.last > last
            messages, last = messages + len(page.messages), page.last
    finally:
        await admin.close()
    assert (messages, last.xid) == (12, 12)


async def test_answers_expire_after_a_day(postgres_store: PostgresEventStore, pool: asyncpg.Pool) -> None:
    await postgres_store.write(WriteSet(answer=(KEY, Answer(202, {}))))
    assert await expire_some(pool) == 0
    await pool.execute("UPDATE idempotency SET answered_at = now() - $1::interval", timedelta(hours=25))
    assert await expire_some(pool) == 1
    assert await postgres_store.answer_to(KEY) is None


async def test_the_service_role_cannot_change_events(postgres_store: PostgresEventStore, pool: asyncpg.Pool) -> None:
    await CommandHandler(postgres_store, LAMP).handle(Context.beginning(MERCHANT, "operator"), uuid4(), Count(NOON))
    for change in ("UPDATE events SET version = 2", "DELETE FROM events", "TRUNCATE events", "DROP TABLE events"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(change)
