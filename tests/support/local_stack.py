"""A local stack of one test, controlled by commands."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from portalctl.local.folder import Folder, write_json
from portalctl.local.identity import Identity
from portalctl.local.lifecycle import take_down
from portalctl.local.process_table import read_processes
from portalctl.local.state import read_state
from support.ports import free_port
from support.processes import abandon_stack, end_stack
from support.server_folders import server_folder

_DRIVER = Path(__file__).parent / "trivial_stack" / "driver.py"
_SECONDS = 150
_END_SECONDS = 30


class LocalStack:
    """The stack of `support/trivial_stack` in a folder. Records its processes, to check that none is left."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.seen: set[Identity] = set()

    def up(
        self, *options: str, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """`up --detach`, its output captured: that ends only when nothing else holds the pipes. `before` is a command that runs
        it."""
        result = subprocess.run(
            [*before, *self._up("--detach", *options)],
            cwd=_DRIVER.parent,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        self.remember()
        return result

    @contextmanager
    def up_in_front(self, *before: str, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
        """`up`, ready, and staying; killed at the end. `before` is a command that runs it."""
        process = subprocess.Popen(
            [*before, *self._up()],
            cwd=_DRIVER.parent,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], _SECONDS)[0], "nothing was said in time"
            line = process.stdout.readline()
            self.remember()
            assert line == "ready\n"
            yield process
        finally:
            process.kill()
            process.wait(_END_SECONDS)
            if process.stdout:
                process.stdout.close()

    def portalctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "portalctl", "--folder", str(self.folder.root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)

    def identity(self, name: str) -> Identity:
        identity = read_processes(self.folder).entries[name].identity
        assert identity is not None
        return identity

    @property
    def supervisor(self) -> Identity:
        identity = read_processes(self.folder).supervisor
        assert identity is not None
        return identity

    async def visit(self) -> int:
        """Store a visit in the service's database. Returns how many it has."""
        connection = await asyncpg.connect(read_state(self.folder)["postgres"]["trivial_service"], ssl=False)
        try:
            await connection.execute("INSERT INTO visits DEFAULT VALUES")
            return int(await connection.fetchval("SELECT count(*) FROM visits"))
        finally:
            await connection.close()

    def remember(self) -> None:
        board = read_processes(self.folder)
        identities = [board.supervisor, *(entry.identity for entry in board.entries.values())]
        self.seen |= {identity for identity in identities if identity}

    @property
    def left(self) -> list[Identity]:
        return [identity for identity in self.seen if identity.running]

    @staticmethod
    def wait_until(reached: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline, "not reached in time"
            time.sleep(0.05)

    def _up(self, *options: str) -> list[str]:
        return [sys.executable, str(_DRIVER), str(self.folder.root), "up", *options]


def _choose_ports(folder: Folder) -> None:
    """Choose other ports than the default ones, which stacks of other test runs use."""
    folder.make()
    names = ("postgres", "kafka", "kafka-controller", "trivial", "trivial-admin", "events")
    write_json(folder.ports, {name: free_port() for name in names})


@contextmanager
def local_stack() -> Iterator[LocalStack]:
    """A local stack that is stopped at the end in any case."""
    with server_folder() as folder:
        stack = LocalStack(Folder(folder / ".portal"))
        _choose_ports(stack.folder)
        try:
            yield stack
        finally:
            try:
                abandon_stack(stack.folder)
                take_down(stack.folder)
            finally:
                end_stack(stack.folder)
