"""A program of the stack, and one running child of it."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, Self

from portalctl.local import child
from portalctl.local.errors import PortTaken, StackError, StartFailed, log_tail, timed_out
from portalctl.local.members import listens, mark_of_child
from portalctl.local.ports import answers
from portalctl.settings import DEADLINE_SECONDS

log = logging.getLogger(__name__)

User = Literal["same", "mapped", "nobody"]

_INHERITED = ("PATH", "TMPDIR", "TZ")
_NO_HOME = "/nonexistent"
_POLL_SECONDS = 0.1
_CHECK_SECONDS = 30.0
_BIND_LINES = 200
"""Log lines to search for the reason. Kafka's stack traces are long."""
_BIND_FAILURES = ("address already in use", "could not bind", "could not create any tcp/ip sockets")


@dataclass(frozen=True)
class Program:
    """How a process is started, checked and stopped. It is ready when it listens on `port`, if it has one, and `ready` returns
    true. `ready` raises PortTaken when another server answers on the port."""

    name: str
    command: Sequence[str]
    log: Path
    ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: User = "same"
    folder: Path | None = None
    """The working directory; None for the parent's."""
    port: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    stop_seconds: float = 20.0


def child_environment(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child. The caller's LANG, PGSSLMODE, HTTP_PROXY or JAVA_TOOL_OPTIONS, and its home folder, must not
    influence the child."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return inherited | {"HOME": _NO_HOME} | dict(own or {})


def tied_command(command: Sequence[str], death_signal: signal.Signals, user: User = "same") -> list[str]:
    """The command line that runs `command` as a child that does not outlive this process."""
    options = json.dumps({"parent": os.getpid(), "signal": death_signal, "user": user})
    return [sys.executable, "-I", "-S", child.__file__, options, *command]


def log_file(path: Path) -> IO[bytes]:
    """Open a log file to append. Only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab")


async def run_tool(
    name: str,
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    user: User = "same",
    folder: Path | None = None,
) -> None:
    """Run a command to its end and append its output to the log. Cancellation kills it. Raises StartFailed if it fails."""
    with log_file(log) as output:
        process = await asyncio.create_subprocess_exec(
            *tied_command(command, signal.SIGKILL, user),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=child_environment({**mark_of_child(name), **(environment or {})}),
        )
    try:
        code = await process.wait()
    finally:
        # The caller may run the command again, and two must not run at the same time.
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if code != 0:
        raise StartFailed(name, f"failed with exit code {code}", log)


class Child:
    """A running program. Spawn it on the main thread: the kernel's death signal follows the thread that forked."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process) -> None:
        self.program = program
        self.process = process

    @classmethod
    async def spawn(cls, program: Program) -> Self:
        with log_file(program.log) as output:
            process = await asyncio.create_subprocess_exec(
                *tied_command(program.command, program.death_signal, program.user),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=program.folder,
                env=child_environment({**mark_of_child(program.name), **program.environment}),
                # Ctrl-C at the terminal is for the supervisor, which stops its children in order.
                start_new_session=True,
            )
        return cls(program, process)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def until_ready(self, seconds: float = DEADLINE_SECONDS) -> None:
        """Raises PortTaken, or StackError with the end of the log."""
        program = self.program
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            if not self.alive:
                raise self._ended()
            with contextlib.suppress(TimeoutError):
                ready = await asyncio.wait_for(self._ready(), min(_CHECK_SECONDS, seconds))
                if ready and self.alive:
                    return
            if asyncio.get_running_loop().time() > deadline:
                raise timed_out(f"{program.name} is not ready", seconds, program.log)
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self) -> None:
        """Send the stop signal, wait, then kill."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.program.stop_signal)
            try:
                await asyncio.wait_for(self.process.wait(), self.program.stop_seconds)
            except TimeoutError:
                log.warning("%s did not stop within %g s and was killed", self.program.name, self.program.stop_seconds)
                self.kill()
        await self.process.wait()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def _ready(self) -> bool:
        """Whether this process is ready. Another program may answer on the port until this process fails to bind it."""
        port = self.program.port
        return (port is None or (answers(port) and listens(self.pid, port))) and await self.program.ready()

    def _ended(self) -> StackError:
        tail = "\n".join(log_tail(self.program.log, _BIND_LINES)).lower()
        kind = PortTaken if any(words in tail for words in _BIND_FAILURES) else StartFailed
        return kind(self.program.name, f"ended with exit code {self.process.returncode} before it was ready", self.program.log)


async def start(program: Program, seconds: float = DEADLINE_SECONDS) -> Child:
    """Spawn and wait until ready. A process that does not become ready is stopped."""
    child = await Child.spawn(program)
    try:
        await child.until_ready(seconds)
    except BaseException:
        await child.stop()
        raise
    return child
