"""Migrations beside a running service: they wait for a table only briefly, and try again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from chassis.postgres.migrate import CHASSIS, MigrationBlocked, MigrationChanged, migrate
from support.databases import ServiceDatabase

ALTER = "ALTER TABLE shades ADD COLUMN colour text"


@pytest.fixture
async def owner(service: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(service.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def folder(owner: asyncpg.Connection, tmp_path: Path) -> Path:
    """A component with an applied migration."""
    (tmp_path / "0001_shades.sql").write_text("CREATE TABLE shades (lamp uuid)")
    await migrate(owner, {"chassis": CHASSIS, "lamps": tmp_path}, "postgres")
    return tmp_path


@asynccontextmanager
async def reading(service: ServiceDatabase) -> AsyncIterator[None]:
    """A transaction that has read the table and stays open."""
    connection = await asyncpg.connect(service.owner_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM shades")
            yield
    finally:
        await connection.close()


async def until_a_lock_is_awaited(connection: asyncpg.Connection) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'shades'::regclass"
    async with asyncio.timeout(20):
        while not await connection.fetchval(waiting):
            await asyncio.sleep(0.01)


async def columns(owner: asyncpg.Connection) -> list[str]:
    rows = await owner.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'shades'::regclass AND attnum > 0 ORDER BY attnum"
    )
    return [row["attname"] for row in rows]


async def test_a_migration_is_applied_once_and_must_not_change(owner: asyncpg.Connection, folder: Path) -> None:
    components = {"chassis": CHASSIS, "lamps": folder}
    assert await migrate(owner, components, "postgres") == []
    (folder / "0001_shades.sql").write_text("CREATE TABLE shades (lamp text)")
    with pytest.raises(MigrationChanged):
        await migrate(owner, components, "postgres")


async def test_a_blocked_migration_lets_queries_pass_and_is_applied_once_the_lock_is_free(
    service: ServiceDatabase, owner: asyncpg.Connection, folder: Path
) -> None:
    (folder / "0002_colours.sql").write_text(ALTER)
    components = {"chassis": CHASSIS, "lamps": folder}
    async with reading(service):
        migrating = asyncio.create_task(migrate(owner, components, "postgres", lock_seconds=0.2, attempts=200, pause_seconds=0.2))
        another = await asyncpg.connect(service.owner_url)
        await until_a_lock_is_awaited(another)
        await another.execute("SELECT FROM shades", timeout=20)  # behind the migration's lock, until that gives up
        await another.close()
        assert not migrating.done()
    assert await migrating == ["lamps/0002_colours.sql"]
    assert await columns(owner) == ["lamp", "colour"]


async def test_a_migration_that_stays_blocked_changes_nothing_and_is_named(
    service: ServiceDatabase, owner: asyncpg.Connection, folder: Path
) -> None:
    (folder / "0002_more.sql").write_text(f"CREATE TABLE more (lamp uuid); {ALTER}")
    (folder / "0003_later.sql").write_text("CREATE TABLE later (lamp uuid)")
    components = {"chassis": CHASSIS, "lamps": folder}
    async with reading(service):
        with pytest.raises(MigrationBlocked, match=r"lamps/0002_more\.sql"):
            await migrate(owner, components, "postgres", lock_seconds=0.1, attempts=2, pause_seconds=0.1)
    assert await columns(owner) == ["lamp"]
    assert await owner.fetchval("SELECT to_regclass('more')") is None
    assert await migrate(owner, components, "postgres") == ["lamps/0002_more.sql", "lamps/0003_later.sql"]
