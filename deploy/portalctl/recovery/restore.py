"""Makes a data folder from a backup, up to its end, to the end of the archived log, or to a time.

The restored databases are marked: no service starts on them before `portalctl reconcile` has compared them with the topics.
"""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from portalctl.local.child import NOBODY
from portalctl.local.errors import StackError
from portalctl.local.postgres import binaries, hand_over, server_user
from portalctl.local.programs import Program, start
from portalctl.local.wal_archive import restore_command
from portalctl.recovery.backup import BASE, Backup, verify
from portalctl.terminal import progress

_PORT = 5432  # of the socket's name only

MARK = """
CREATE TABLE IF NOT EXISTS restoration (
    one_row     boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    restored_at timestamptz NOT NULL DEFAULT now(),
    note        text NOT NULL DEFAULT ''
)
"""


@dataclass(frozen=True)
class Target:
    data: Path
    """The data folder to create."""
    archive: Path | None
    """Archived log to replay after the backup's end."""
    time: datetime | None = None
    """Replay up to this time; None: everything."""
    password: str | None = None
    """The administrator's password to set; None leaves the one of the backup."""


async def restore(folder: Path, backup: Backup, target: Target, log: Path, seconds: float) -> None:
    """Raises StackError; then the data folder does not exist."""
    progress("verifying the backup")
    await verify(folder, log)
    fresh = target.data.with_name(f"{target.data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    try:
        progress("copying the backup")
        await asyncio.to_thread(shutil.copytree, folder / BASE, fresh, symlinks=True)
        fresh.chmod(0o700)
        if server_user() == "nobody":
            hand_over(fresh)
        await _recover(fresh, backup, target, log, seconds)
        fresh.rename(target.data)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


async def _recover(data: Path, backup: Backup, target: Target, log: Path, seconds: float) -> None:
    """Run a server that only this process can reach, until it has replayed its log, and mark the databases."""
    with tempfile.TemporaryDirectory(prefix="portalctl-") as name:
        private = Path(name)
        (private / "pg_hba.conf").write_text("local all all trust\n")
        if server_user() == "nobody":
            for path in (private, private / "pg_hba.conf"):
                shutil.chown(path, NOBODY, NOBODY)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": name,
            "unix_socket_permissions": "0777",  # the folder is private
            "port": str(_PORT),
            "hba_file": str(private / "pg_hba.conf"),
            "hot_standby": "off",
            "ssl": "off",
            "archive_mode": "off",
            "shared_preload_libraries": "",
            "synchronous_standby_names": "",  # the backup has the setting of its primary, and the standby is not there
        }
        if target.archive is not None:
            (data / "recovery.signal").touch(mode=0o600)
            if server_user() == "nobody":
                shutil.chown(data / "recovery.signal", NOBODY, NOBODY)
            settings |= {"restore_command": restore_command(target.archive), "recovery_target_timeline": "latest"}
        if target.time is not None:
            settings |= {"recovery_target_time": target.time.isoformat(), "recovery_target_action": "promote"}
        arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]

        async def ready() -> bool:
            try:
                connection = await _connect(name, "postgres")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return False
            try:
                return not await connection.fetchval("SELECT pg_is_in_recovery()")
            finally:
                await connection.close()

        progress("replaying the log")
        server = Program(
            name="postgres for the restore",
            command=[str(binaries() / "postgres"), "-D", str(data), *arguments],
            log=log,
            ready=ready,
            user=server_user(),
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            stop_seconds=seconds,
        )
        child = await start(server, seconds)
        try:
            await _mark(name, backup.databases, f"from the backup of {backup.made_at}", target.password)
        finally:
            await child.stop()


async def _mark(socket: str, databases: Sequence[str], note: str, password: str | None) -> None:
    for name in databases:
        connection = await _connect(socket, name)
        try:
            owner = await connection.fetchval(
                "SELECT quote_ident(pg_get_userbyid(datdba)) FROM pg_database WHERE datname = current_database()"
            )
            async with connection.transaction():
                await connection.execute(f"SET LOCAL ROLE {owner}")
                await connection.execute(MARK)
                await connection.execute("INSERT INTO restoration (note) VALUES ($1) ON CONFLICT DO NOTHING", note)
        finally:
            await connection.close()
    if password is not None:
        connection = await _connect(socket, "postgres")
        try:
            quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
            await connection.execute(f"ALTER ROLE postgres PASSWORD {quoted}")
        finally:
            await connection.close()


async def _connect(socket: str, database: str) -> asyncpg.Connection:
    return await asyncpg.connect(host=socket, port=_PORT, user="postgres", database=database, timeout=30)


def require_new(data: Path) -> None:
    """Raise StackError if the folder exists."""
    if data.exists():
        raise StackError(f"{data} exists and is not overwritten: move it away first, or use --set-aside")
