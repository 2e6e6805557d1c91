"""The folder of a local stack, and how its files are written."""

import json
import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portalctl.local.errors import StackError

_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_PATH_BYTES_MAX = 900
"""PostgreSQL accepts 1023, and appends names of its own."""
_LOW_SPACE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Folder:
    """`.portal`: the data, logs, keys and state of a local stack."""

    root: Path

    @property
    def identity(self) -> str:
        """Device and inode of the directory. A copy has other numbers; a moved directory keeps them. Raises OSError."""
        status = self.root.stat()
        return f"{status.st_dev}:{status.st_ino}"

    @property
    def lock(self) -> Path:
        """The supervisor holds it while it runs. It alone decides whether a supervisor runs."""
        return self.root / "lock"

    @property
    def processes(self) -> Path:
        return self.root / "processes.json"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def secret_files(self) -> Path:
        """The secrets of each service, in a folder of its own."""
        return self.root / "secrets"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def wiping(self) -> Path:
        """Exists during a wipe. The next start finishes an interrupted one."""
        return self.root / "wiping"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def log(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    def make(self) -> None:
        """Create the folder. Raises StackError with the reason if it cannot be used."""
        self.check()
        own = not self.root.exists() or self.lock.exists()
        self.root.mkdir(parents=True, exist_ok=True)
        self.check()
        self.check_ours()
        if own:
            # PostgreSQL of root may run as the user `nobody`.
            self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        self.lock.touch(mode=0o600)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        if self.lock.stat().st_nlink > 1:
            raise StackError(f"{self.lock} has hard links: another folder shares this one's data. Make a copy without links")

    def check(self) -> None:
        """Raise StackError for an unusable path, and for a folder of another user."""
        path = str(self.root)
        try:
            length = len(path.encode())
        except UnicodeEncodeError:
            raise StackError(
                f"the path {path.encode(errors='backslashreplace').decode()} is not UTF-8: choose another folder"
            ) from None
        if _UNWRITABLE.search(path):
            raise StackError(f"the path {path!r} contains a line break or control character: choose another folder")
        if length > _PATH_BYTES_MAX:
            raise StackError(
                f"the path {path[:60]}… has {length} bytes; PostgreSQL takes {_PATH_BYTES_MAX}: choose another folder"
            )
        if self.root.exists() and (owner := self.root.stat().st_uid) != os.geteuid():
            raise StackError(f"{self.root} belongs to {_name_of(owner)}: run portalctl as that user, or choose another folder")

    def check_ours(self) -> None:
        """Raise StackError for a directory with folders of another program, which a wipe would delete."""
        if not self.lock.exists() and (
            foreign := [path.name for path in (self.kafka, self.postgres, self.logs) if path.exists()]
        ):
            raise StackError(f"{self.root} contains {' and '.join(foreign)} of another program: choose another folder")

    def problem(self) -> str:
        """Why the folder cannot be written, or soon will not; empty if it can."""
        try:
            with tempfile.NamedTemporaryFile(prefix=".probe-", dir=self.root) as probe:
                probe.write(bytes(65536))
                probe.flush()
        except OSError as error:
            return f"{self.root} cannot be written: {error.strerror}"
        if (free := shutil.disk_usage(self.root).free) < _LOW_SPACE_BYTES:
            return f"{self.root} has only {free // 1024**2} MiB left"
        return ""


def read_json(path: Path) -> dict[str, Any]:
    """The content; empty if the file does not exist. Raises StackError if it is not a JSON object."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StackError(f"{path} is not JSON: {error}. Restore it, or delete it") from None
    if not isinstance(content, dict):
        raise StackError(f"{path} contains no JSON object. Restore it, or delete it")
    return content


def write_json(path: Path, content: dict[str, Any], *, durable: bool = True) -> None:
    write_text(path, json.dumps(content, indent=2) + "\n", durable=durable)


def write_text(path: Path, content: str, *, durable: bool = True) -> None:
    """Replace a file atomically. Only its owner can read it. A durable file survives a crash of the machine."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_settings(folder: Path, values: Mapping[str, str]) -> None:
    """Write each value to a file of its name that only the owner can read. Each file is replaced at once. Raises OSError."""
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for place in (folder.parent, folder):
        place.mkdir(mode=0o700, exist_ok=True)
    for name, value in values.items():
        path = folder / name
        fresh = path.with_name(f".{name}.new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)


def _name_of(user: int) -> str:
    try:
        return f"{pwd.getpwuid(user).pw_name} (user {user})"
    except KeyError:
        return f"user {user}"
