"""A base backup of the PostgreSQL server with all services' databases, verified after it was made.

Kafka is not backed up: the topics are made from the databases (`portalctl topics refill`).
"""

import asyncio
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from portalctl.local.databases import connect
from portalctl.local.errors import StackError
from portalctl.local.folder import read_json, write_json
from portalctl.local.programs import run_tool
from portalctl.recovery.programs import program, without_password

FORMAT = 1
BASE = "base"
MANIFEST = "backup.json"
SECRETS = "secrets.json"


@dataclass(frozen=True)
class Backup:
    """The content of backup.json. `made_at` is when the backup ended: the earliest time that it can be restored to."""

    made_at: str
    server_version: str
    system_identifier: str
    databases: list[str]
    secrets: str
    """`included` or `excluded`."""
    wal_archive: str | None
    """The folder with the server's archived log, for a restore to a time."""
    format: int = FORMAT


async def make_backup(url: str, databases: list[str], to: Path, log: Path, *, secrets: Path | None, own: bool) -> Backup:
    """`url`: an administrator's with the right to replicate. `secrets`: the file to include. Raises StackError; then the folder
    `to` does not exist."""
    fresh = to.with_name(f".{to.name}.incomplete")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700, parents=True)
    try:
        facts = await _facts(url, own)
        plain, password = without_password(url)
        options = ["--checkpoint=fast", "--wal-method=stream", "--no-password", "--label=portalctl"]
        command = [program("pg_basebackup", own=own), "-d", plain, "-D", str(fresh / BASE), *options]
        await run_tool("pg_basebackup", command, log, environment=password)
        await verify(fresh, log)
        if secrets is not None:
            await asyncio.to_thread(shutil.copy2, secrets, fresh / SECRETS)
            (fresh / SECRETS).chmod(0o600)
        secrets_state = "excluded" if secrets is None else "included"
        backup = Backup(datetime.now(UTC).isoformat(), databases=databases, secrets=secrets_state, **facts)
        write_json(fresh / MANIFEST, asdict(backup))
        fresh.rename(to)
        return backup
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


async def verify(folder: Path, log: Path) -> None:
    """Compare every file with the checksums of the backup's manifest, and read its log. Raises StackError."""
    await run_tool("pg_verifybackup", [program("pg_verifybackup"), "--exit-on-error", str(folder / BASE)], log)


def read_backup(folder: Path) -> Backup:
    """Raises StackError for a folder that is not a complete backup of a known format."""
    if not (folder / MANIFEST).is_file() or not (folder / BASE).is_dir():
        raise StackError(f"{folder} is no backup: it has no {MANIFEST} and {BASE}")
    content: dict[str, Any] = read_json(folder / MANIFEST)
    if content.get("format") != FORMAT:
        raise StackError(f"{folder / MANIFEST} has the format {content.get('format')!r}; this version reads {FORMAT}")
    return Backup(**content)


async def _facts(url: str, own: bool) -> dict[str, Any]:
    try:
        connection = await connect(url, own=own, timeout=60)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise StackError(f"PostgreSQL cannot be reached: {error or type(error).__name__}") from error
    try:
        command = await connection.fetchval("SHOW archive_command")
        archives = await connection.fetchval("SHOW archive_mode") != "off"
        return {
            "server_version": await connection.fetchval("SHOW server_version"),
            "system_identifier": str(await connection.fetchval("SELECT system_identifier FROM pg_control_system()")),
            "wal_archive": _folder_of(command) if archives else None,
        }
    finally:
        await connection.close()


def _folder_of(archive_command: str) -> str | None:
    """The folder in a command of `archive_settings`; None for another command."""
    start, _, rest = archive_command.partition("test -f '")
    return rest.partition("/%f.gz'")[0] if not start and "/%f.gz'" in rest else None
