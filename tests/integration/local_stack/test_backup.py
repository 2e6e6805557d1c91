"""A backup of a real server is restored to its end, to the end of the archived log, and to a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from portalctl.cli import app
from portalctl.local.errors import StackError
from portalctl.local.postgres import PostgresServer
from portalctl.local.programs import start
from portalctl.recovery.backup import Backup, make_backup, read_backup
from portalctl.recovery.restore import Target, require_new, restore
from support.ports import free_port

NAMES = ["one", "two"]
_SECONDS = 120.0


@asynccontextmanager
async def server_in(folder: Path, archive: Path | None = None) -> AsyncIterator[str]:
    """The administrator's URL."""
    server = PostgresServer(folder, free_port(), "secret", folder.parent / "postgres.log", wal_archive=archive)
    await server.prepare()
    child = await start(server.program(), _SECONDS)
    try:
        yield server.url
    finally:
        await child.stop()


async def run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def numbers(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM restoration") == 1
        return [row["n"] for row in await connection.fetch("SELECT n FROM number ORDER BY n")]
    finally:
        await connection.close()


@pytest.fixture(scope="module")
async def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Backup, datetime]:
    """The backup's folder, the archive, the backup's facts, and a time between the second and the third write after it."""
    folder = tmp_path_factory.mktemp("backup")
    archive = folder / "archive"
    async with server_in(folder / "postgres", archive) as url:
        await run(url, *(f"CREATE DATABASE {name}" for name in NAMES))
        one = url.removesuffix("/postgres") + "/one"
        await run(one, "CREATE TABLE number (n int)", "INSERT INTO number VALUES (1)")
        backup = await make_backup(url, NAMES, folder / "made", folder / "backup.log", secrets=None, own=True)
        await run(one, "INSERT INTO number VALUES (2)")
        await asyncio.sleep(0.1)
        between = datetime.now(UTC)
        await asyncio.sleep(0.1)
        await run(one, "INSERT INTO number VALUES (3)")
        segment = await end_segment(url)
        while not (archive / f"{segment}.gz").exists():
            await asyncio.sleep(0.05)
    return folder / "made", archive, backup, between


async def end_segment(url: str) -> str:
    """End the current segment of the log. Returns its name."""
    connection = await asyncpg.connect(url)
    try:
        segment: str = await connection.fetchval("SELECT pg_walfile_name(pg_switch_wal())")
        return segment
    finally:
        await connection.close()


@pytest.mark.parametrize(("archived", "timed", "expected"), [(False, False, [1]), (True, False, [1, 2, 3]), (True, True, [1, 2])])
async def test_a_restored_server_has_what_was_written_until_then(
    finished: tuple[Path, Path, Backup, datetime], tmp_path: Path, archived: bool, timed: bool, expected: list[int]
) -> None:
    folder, archive, _, between = finished
    backup = read_backup(folder)
    assert backup.wal_archive == str(archive)
    target = Target(tmp_path / "postgres" / "data", archive if archived else None, between if timed else None, "other")
    await restore(folder, backup, target, tmp_path / "restore.log", _SECONDS)
    server = PostgresServer(tmp_path / "postgres", free_port(), "other", tmp_path / "postgres.log")
    await server.prepare()
    child = await start(server.program(), _SECONDS)
    try:
        assert await numbers(server.url.removesuffix("/postgres") + "/one") == expected
    finally:
        await child.stop()


async def test_a_changed_backup_is_not_restored(finished: tuple[Path, Path, Backup, datetime], tmp_path: Path) -> None:
    folder, _, backup, _ = finished
    version = folder / "base" / "PG_VERSION"
    content = version.read_bytes()
    version.write_bytes(b"99\n")
    try:
        with pytest.raises(StackError, match="pg_verifybackup"):
            await restore(folder, backup, Target(tmp_path / "data", None), tmp_path / "restore.log", _SECONDS)
    finally:
        version.write_bytes(content)
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "data.new").exists()


def test_existing_data_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="not overwritten"):
        require_new(tmp_path)


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("2020-01-01T00:00:00Z", "before the end of the backup"),
        ("2999-01-01T00:00:00Z", "in the future"),
        ("2026-01-01T00:00:00", "has no time zone"),
    ],
)
async def test_an_impossible_time_is_refused_with_code_2(
    finished: tuple[Path, Path, Backup, datetime], tmp_path: Path, to: str, reason: str
) -> None:
    words = ["--folder", str(tmp_path), "restore", str(finished[0]), "--to", to, "--yes"]
    ended = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert ended.exit_code == 2
    assert reason in " ".join(ended.output.replace("│", "").split())
    assert list(tmp_path.iterdir()) == []
