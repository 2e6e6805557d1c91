"""Where a local stack keeps its files, and how they are written."""

import json
import os
import pwd
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portalctl.local.errors import StackError

_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_LONGEST_PATH = 900
"""Bytes. PostgreSQL takes 1023, and adds names of its own."""
_LITTLE_ROOM = 64 * 1024 * 1024


@dataclass(frozen=True)
class Folder:
    """`.portal`: everything a local stack knows, its data included."""

    root: Path

    @property
    def identity(self) -> str:
        """Of the directory itself: a copy has another one, a directory that was moved keeps it. Raises OSError."""
        status = self.root.stat()
        return f"{status.st_dev}:{status.st_ino}"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives: the only truth about whether one runs."""
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
        """There while both stores are being deleted: an interrupted wipe is finished by the next start."""
        return self.root / "wiping"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def log(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    def make(self) -> None:
        """Raises StackError for a folder that cannot work, naming it and the reason."""
        self.check()
        own = not self.root.exists() or self.lock.exists()
        self.root.mkdir(parents=True, exist_ok=True)
        self.check()
        self.check_ours()
        if own:
            # Root's PostgreSQL may have to enter as the user nobody.
            self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        self.lock.touch(mode=0o600)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        if self.lock.stat().st_nlink > 1:
            raise StackError(f"{self.lock} has hard links: another folder shares this one's data. Make a copy without links")

    def check(self) -> None:
        """Raises StackError for a path that cannot work, and for a folder of another user."""
        path = str(self.root)
        try:
            length = len(path.encode())
        except UnicodeEncodeError:
            raise StackError(
                f"the path {path.encode(errors='backslashreplace').decode()} is not UTF-8: choose another folder"
            ) from None
        if _UNWRITABLE.search(path):
            raise StackError(f"the path {path!r} contains a line break or control character: choose another folder")
        if length > _LONGEST_PATH:
            raise StackError(f"the path {path[:60]}… has {length} bytes; PostgreSQL takes {_LONGEST_PATH}: choose another folder")
        if self.root.exists() and (owner := self.root.stat().st_uid) != os.geteuid():
            raise StackError(f"{self.root} belongs to {_name_of(owner)}: run portalctl as that user, or choose another folder")

    def check_ours(self) -> None:
        """Raises StackError for a directory with folders of others that a wipe would delete."""
        if not self.lock.exists() and (found := [path.name for path in (self.kafka, self.postgres, self.logs) if path.exists()]):
            raise StackError(f"{self.root} holds {' and '.join(found)} of another program: choose another folder")

    def trouble(self) -> str:
        """Why nothing can be written here, or soon will not; empty when something can."""
        try:
            with tempfile.NamedTemporaryFile(prefix=".probe-", dir=self.root) as probe:
                probe.write(bytes(65536))
                probe.flush()
        except OSError as error:
            return f"{self.root} cannot be written: {error.strerror}"
        if (free := shutil.disk_usage(self.root).free) < _LITTLE_ROOM:
            return f"{self.root} has only {free // 1024**2} MiB left"
        return ""


def read_json(path: Path) -> dict[str, Any]:
    """Empty when there is no such file. Raises StackError when it holds something else."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StackError(f"{path} is not JSON: {error}. Restore it, or delete it") from None
    if not isinstance(content, dict):
        raise StackError(f"{path} holds no JSON object. Restore it, or delete it")
    return content


def write_json(path: Path, content: dict[str, Any], *, durable: bool = True) -> None:
    write_text(path, json.dumps(content, indent=2) + "\n", durable=durable)


def write_text(path: Path, content: str, *, durable: bool = True) -> None:
    """Readable by its owner alone, and never half written; durable where it must outlive the machine's crash."""
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


def _name_of(user: int) -> str:
    try:
        return f"{pwd.getpwuid(user).pw_name} (user {user})"
    except KeyError:
        return f"user {user}"
