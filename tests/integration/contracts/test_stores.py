"""One suite for every database that the kit writes to."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from billing_subscriber.positions import Position
from billing_subscriber.stores.base import Store
from billing_subscriber.stores.memory import MemoryStore
from billing_subscriber.stores.postgres import TABLES, PostgresStore
from billing_subscriber.stores.sqlite import SqliteStore
from support.databases import ServiceDatabase, away

MERCHANT = UUID(int=1)
SCHEMA = "CREATE TABLE IF NOT EXISTS notes (note TEXT)"


@dataclass
class Kind:
    """A store, and how effects write to it."""

    store: Store[Any]
    write: Callable[[Any, str], Awaitable[Any]]
    read: Callable[[Any], Awaitable[list[str]]]

    async def notes(self) -> list[str]:
        async with self.store.unit("tests") as unit:
            return await self.read(unit.tx)


def memory() -> Kind:
    async def write(data: dict[str, Any], note: str) -> None:
        data.setdefault("notes", []).append(note)

    async def read(data: dict[str, Any]) -> list[str]:
        return list(data.get("notes", []))

    return Kind(MemoryStore(), write, read)


def sqlite(path: Path) -> Kind:
    async def write(connection: sqlite3.Connection, note: str) -> None:
        connection.execute("INSERT INTO notes VALUES (?)", (note,))

    async def read(connection: sqlite3.Connection) -> list[str]:
        return [row[0] for row in connection.execute("SELECT note FROM notes")]

    return Kind(SqliteStore(path, SCHEMA), write, read)


def postgres(dsn: str) -> Kind:
    async def write(connection: asyncpg.Connection, note: str) -> None:
        await connection.execute("INSERT INTO notes VALUES ($1)", note)

    async def read(connection: asyncpg.Connection) -> list[str]:
        return [row["note"] for row in await connection.fetch("SELECT note FROM notes")]

    return Kind(PostgresStore(dsn, SCHEMA), write, read)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def kind(request: pytest.FixtureRequest, tmp_path: Path, database: ServiceDatabase) -> AsyncIterator[Kind]:
    match request.param:
        case "memory":
            store_kind = memory()
        case "sqlite":
            store_kind = sqlite(tmp_path / "kit.db")
        case _:
            store_kind = postgres(database.owner_url)
    yield store_kind
    await store_kind.store.close()


async def test_effect_and_claim_commit_together(kind: Kind) -> None:
    event = uuid4()
    async with kind.store.unit("tests") as unit:
        assert await unit.claim(event)
        await kind.write(unit.tx, "handled")
    async with kind.store.unit("tests") as unit:
        assert not await unit.claim(event)
    assert await kind.notes() == ["handled"]


async def test_an_exception_undoes_effect_claim_and_position(kind: Kind) -> None:
    event = uuid4()

    async def fail() -> None:
        async with kind.store.unit("tests") as unit:
            await unit.claim(event)
            await unit.move(MERCHANT, "invoice-1", Position(3))
            await kind.write(unit.tx, "lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with kind.store.unit("tests") as unit:
        assert await unit.claim(event)
        assert await unit.position(MERCHANT, "invoice-1") == Position()
    assert await kind.notes() == []


async def test_groups_do_not_share_claims_and_positions(kind: Kind) -> None:
    event = uuid4()
    async with kind.store.unit("one") as unit:
        await unit.claim(event)
        await unit.move(MERCHANT, "invoice-1", Position(3))
    async with kind.store.unit("other") as unit:
        assert await unit.claim(event)
        assert await unit.position(MERCHANT, "invoice-1") == Position()


@pytest.mark.parametrize("position", [Position(1), Position(9_999_999_999, ((1, 4), (7, 7))), Position(2**63 - 1)])
async def test_a_position_is_kept_with_what_is_missing(kind: Kind, position: Position) -> None:
    async with kind.store.unit("tests") as unit:
        await unit.move(MERCHANT, "invoice-1", Position(1))
        await unit.move(MERCHANT, "invoice-1", position)
    async with kind.store.unit("tests") as unit:
        assert await unit.position(MERCHANT, "invoice-1") == position
        assert await unit.position(uuid4(), "invoice-1") == Position()


async def test_forgetting_concerns_one_group(kind: Kind) -> None:
    event = uuid4()
    for group in ("one", "other"):
        async with kind.store.unit(group) as unit:
            await unit.claim(event)
            await unit.move(MERCHANT, "invoice-1", Position(3))
    async with kind.store.unit("one") as unit:
        await unit.forget()
    async with kind.store.unit("one") as unit:
        assert await unit.position(MERCHANT, "invoice-1") == Position()
        assert await unit.claim(event)
    async with kind.store.unit("other") as unit:
        assert not await unit.claim(event)


async def test_a_store_that_was_closed_opens_again(kind: Kind) -> None:
    await kind.store.close()
    assert await kind.notes() == []
    await kind.store.close()
    async with kind.store.unit("tests") as unit:
        assert await unit.claim(uuid4())


@pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK"])
async def test_an_effect_that_ends_the_transaction_is_refused(kind: Kind, statement: str) -> None:
    async def end() -> None:
        async with kind.store.unit("tests") as unit:
            ended = unit.tx.execute(statement)
            if isinstance(ended, Awaitable):
                await ended

    with pytest.raises(RuntimeError, match="ended the transaction"):
        await end()
    async with kind.store.unit("tests") as unit:
        assert await unit.claim(uuid4())


async def test_an_effect_that_catches_postgresqls_error_does_not_lose_the_event(database: ServiceDatabase) -> None:
    store, event = PostgresStore(database.owner_url, SCHEMA), uuid4()

    async def catch() -> None:
        async with store.unit("tests") as unit:
            await unit.claim(event)
            with suppress(asyncpg.PostgresError):
                await unit.tx.execute("INSERT INTO elsewhere VALUES (1)")

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await catch()
    async with store.unit("tests") as unit:
        assert await unit.claim(event)
    await store.close()


@pytest.mark.parametrize("caught", [False, True])
async def test_a_database_that_goes_away_during_an_effect_is_used_again_once_it_is_back(
    database: ServiceDatabase, caught: bool
) -> None:
    kind, event = postgres(database.owner_url), uuid4()
    gone = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
    assert await kind.notes() == []

    async def handle(away_from_here: AsyncExitStack) -> None:
        async with kind.store.unit("tests") as unit:
            await unit.claim(event)
            await kind.write(unit.tx, "lost")
            await away_from_here.enter_async_context(away(database))
            with suppress(*gone if caught else ()):
                await kind.write(unit.tx, "lost too")

    async with AsyncExitStack() as stack:
        with pytest.raises(gone):
            await handle(stack)
        for _ in range(3):
            with pytest.raises(gone):
                await kind.notes()
    assert await kind.notes() == []
    async with kind.store.unit("tests") as unit:
        assert await unit.claim(event)
        await kind.write(unit.tx, "handled")
    assert await kind.notes() == ["handled"]
    await kind.store.close()


@pytest.mark.parametrize("end", ["close", "terminate"])
async def test_an_effect_that_ends_the_connection_loses_nothing(database: ServiceDatabase, end: str) -> None:
    kind, event = postgres(database.owner_url), uuid4()

    async def handle() -> None:
        async with kind.store.unit("tests") as unit:
            await unit.claim(event)
            ended = getattr(unit.tx, end)()
            if isinstance(ended, Awaitable):
                await ended

    for _ in range(2):
        with pytest.raises(asyncpg.InterfaceError, match="closed"):
            await handle()
    async with kind.store.unit("tests") as unit:
        assert await unit.claim(event)
    await kind.store.close()


async def test_an_effect_may_undo_a_part_with_a_savepoint(database: ServiceDatabase) -> None:
    kind = postgres(database.owner_url)
    async with kind.store.unit("tests") as unit:
        with suppress(asyncpg.PostgresError):
            async with unit.tx.transaction():
                await unit.tx.execute("INSERT INTO elsewhere VALUES (1)")
        await kind.write(unit.tx, "kept")
    assert await kind.notes() == ["kept"]
    await kind.store.close()


async def test_a_file_that_another_process_holds_is_used_once_it_is_free(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "kit.db", SCHEMA)
    other = sqlite3.connect(tmp_path / "kit.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            async with store.unit("tests"):
                raise AssertionError
    other.execute("ROLLBACK")
    other.close()
    async with store.unit("tests") as unit:
        assert await unit.claim(uuid4())
    await store.close()


async def test_a_role_without_the_right_to_make_tables_uses_those_that_are_there(database: ServiceDatabase) -> None:
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(TABLES)
    await owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO PUBLIC")
    await owner.close()
    store = PostgresStore(database.url)
    async with store.unit("tests") as unit:
        assert await unit.claim(uuid4())
    await store.close()
