"""A pool survives its server: waits are limited, and broken connections are not reused."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from chassis.eventsourcing.event_store import StoreAway
from chassis.http.problems import problem_of_fault
from chassis.postgres import pool as pools
from chassis.postgres.coalescing import PinnedConnection
from chassis.postgres.pool import create_pool
from chassis.runtime.faults import DatabaseAway, NoConnection, is_transient, may_have_happened
from chassis.runtime.health import Health
from chassis.service.readiness import check_database
from support.consumer_events import until
from support.databases import ServiceDatabase


@pytest.fixture
async def admin(database: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.admin_url)
    await connection.execute("CREATE TABLE lamp (id int PRIMARY KEY)")
    await connection.execute("INSERT INTO lamp VALUES (7)")
    await connection.execute("GRANT ALL ON lamp TO PUBLIC")
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def pool(database: ServiceDatabase, admin: asyncpg.Connection) -> AsyncIterator[asyncpg.Pool]:
    async with create_pool(database.url, name="tested", min_size=1, max_size=2) as pool:
        yield pool


async def end_all(admin: asyncpg.Connection) -> None:
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tested'")


async def read_only(admin: asyncpg.Connection, on: bool) -> None:
    name = await admin.fetchval("SELECT quote_ident(current_database())")
    await admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {'on' if on else 'off'}")


async def fault_of(work: Awaitable[object]) -> Exception:
    try:
        await work
    except Exception as error:
        return error
    raise AssertionError("it went well")


async def test_a_pool_opens_without_a_server() -> None:
    async with create_pool("postgresql://nobody@127.0.0.1:9/none", name="tested", min_size=2, max_size=2) as pool:
        error = await fault_of(pool.fetchval("SELECT 1"))
    assert isinstance(error, NoConnection)
    assert is_transient(error)
    assert not may_have_happened(error)


async def test_a_connection_that_was_lost_is_replaced(pool: asyncpg.Pool, admin: asyncpg.Connection) -> None:
    assert await pool.fetchval("SELECT 1") == 1
    sleeping = asyncio.create_task(fault_of(pool.execute("UPDATE lamp SET id = id WHERE pg_sleep(30) IS NULL")))
    reading = asyncio.create_task(fault_of(pool.fetchval("SELECT 1 FROM pg_sleep(30)")))
    await asyncio.sleep(0.5)
    await end_all(admin)
    written, read = await sleeping, await reading
    assert is_transient(written)
    assert is_transient(read)
    assert may_have_happened(written) or isinstance(written, asyncpg.PostgresError)
    assert not may_have_happened(read), "a read changed nothing"
    assert await pool.fetchval("SELECT 1") == 1


async def test_a_statement_timeout_leaves_no_busy_connection(
    database: ServiceDatabase, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "COMMAND_SECONDS", 0.3)
    async with create_pool(database.url, name="tested", min_size=1, max_size=1) as pool:
        assert isinstance(await fault_of(pool.fetchval("SELECT 1 FROM pg_sleep(2)")), TimeoutError)
        assert await pool.fetchval("SELECT 2") == 2


async def test_waiting_for_a_free_connection_is_limited(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "ACQUIRE_SECONDS", 0.2)
    async with pool.acquire(), pool.acquire():
        assert isinstance(await fault_of(pool.fetchval("SELECT 1")), NoConnection)
    assert await pool.fetchval("SELECT 1") == 1


async def test_a_pool_that_is_closing_gives_no_connection(database: ServiceDatabase, admin: asyncpg.Connection) -> None:
    pool = await create_pool(database.url, name="tested", min_size=1, max_size=1)
    async with pool.acquire():
        closing = asyncio.create_task(pool.close())
        await asyncio.sleep(0)
        error = await fault_of(pool.fetchval("SELECT 1"))
    await closing
    for raised in (error, await fault_of(pool.fetchval("SELECT 1"))):
        assert isinstance(raised, DatabaseAway)
        problem = problem_of_fault(raised, "POST")
        assert problem is not None
        assert problem.status == 503


async def test_a_refused_statement_costs_no_connection(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        pid = await connection.fetchval("SELECT pg_backend_pid()")
    assert isinstance(await fault_of(pool.execute("SELECT 1 / 0")), asyncpg.DivisionByZeroError)
    assert isinstance(await fault_of(pool.fetchval("SELECT $1::bigint", 2**70)), asyncpg.DataError)
    assert await pool.fetchval("SELECT pg_backend_pid()") == pid


async def test_an_open_transaction_is_rolled_back_on_release(pool: asyncpg.Pool, admin: asyncpg.Connection) -> None:
    async with pool.acquire() as connection:
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO lamp VALUES (8)")
    await pool.execute("INSERT INTO lamp VALUES (9)")
    assert [row["id"] for row in await admin.fetch("SELECT id FROM lamp ORDER BY id")] == [7, 9]


async def test_a_cancelled_caller_frees_its_connection(database: ServiceDatabase, admin: asyncpg.Connection) -> None:
    async with create_pool(database.url, name="tested", min_size=1, max_size=1) as pool:
        for turn in range(3):
            waiting = asyncio.create_task(pool.fetchval("SELECT 1 FROM pg_sleep(20)"))
            await asyncio.sleep(0.1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await pool.fetchval("SELECT $1::int", turn) == turn


async def test_a_read_only_database_is_a_503_until_it_is_writable_again(pool: asyncpg.Pool, admin: asyncpg.Connection) -> None:
    health = Health()
    check_database(health, pool, {})

    async def state(expected: dict[str, str]) -> bool:
        failures = await health.failures()
        return {name: wrong for name, wrong in failures.items() if name == "database"} == expected

    async def writes() -> bool:
        return await pool.execute("INSERT INTO lamp VALUES (1) ON CONFLICT DO NOTHING") in ("INSERT 0 1", "INSERT 0 0")

    assert await state({})
    await read_only(admin, True)
    await end_all(admin)
    await until(lambda: state({"database": "is read-only"}))
    for _ in range(3):
        error = await fault_of(writes())
        assert isinstance(error, asyncpg.ReadOnlySQLTransactionError)
        problem = problem_of_fault(error, "POST")
        assert problem is not None
        assert (problem.status, problem.headers["retry-after"]) == (503, "5")
        assert await pool.fetchval("SELECT 1") == 1, "reads are served"
    await read_only(admin, False)
    await asyncio.sleep(pools.REPLACE_SECONDS + 0.1)
    for _ in range(4):
        assert all(await asyncio.gather(writes(), writes()))
    assert await state({})


async def test_coalesced_writes_reconnect_to_the_database(pool: asyncpg.Pool, admin: asyncpg.Connection) -> None:
    pinned = PinnedConnection(pool)
    pinned.RETRY_SECONDS = 20.0

    async def insert(connection: object) -> str:
        assert isinstance(connection, asyncpg.pool.PoolConnectionProxy)
        return await connection.execute("INSERT INTO lamp VALUES (1) ON CONFLICT DO NOTHING")

    try:
        await pinned.run(insert)
        await read_only(admin, True)
        await end_all(admin)
        writing = asyncio.create_task(pinned.run(insert))
        await asyncio.sleep(1)
        assert not writing.done()
        await read_only(admin, False)
        assert await asyncio.wait_for(writing, 10) == "INSERT 0 0"
        pinned.RETRY_SECONDS = 0.0
        await read_only(admin, True)
        await end_all(admin)
        error = await fault_of(attempts(lambda: pinned.run(insert)))
        assert isinstance(error, StoreAway)
        assert not error.sent, "the server reported that it wrote nothing"
    finally:
        await read_only(admin, False)
        await pinned.close()


async def attempts(work: Callable[[], Awaitable[object]]) -> None:
    """The first call may use the terminated connection; the second one reaches the database."""
    for _ in range(2):
        error = await fault_of(work())
    raise error
