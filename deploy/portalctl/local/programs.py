"""A program of the stack, and one running child of it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from portalctl.local import entry
from portalctl.local.failures import PortTaken, StackError, StartFailed, log_tail

User = Literal["same", "mapped", "nobody"]

_INHERITED = ("PATH", "HOME", "TMPDIR", "TZ")
_POLL_SECONDS = 0.1
_CHECK_SECONDS = 5.0
_BIND_LINES = 200
"""How far back the reason stands: Kafka's stack traces are long."""
_BIND_FAILURES = ("address already in use", "could not bind", "could not create any tcp/ip sockets")


@dataclass(frozen=True)
class Program:
    """How a process is started, seen to be ready, and stopped. `ready` answers for the right server only; it raises PortTaken
    when another one answers in its place."""

    name: str
    command: Sequence[str]
    log: Path
    ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: User = "same"
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    start_seconds: float = 120.0
    stop_seconds: float = 20.0


def child_environment(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's LANG, PGSSLMODE, HTTP_PROXY or JAVA_TOOL_OPTIONS must not change what runs."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | dict(own or {})


def tied(command: Sequence[str], death_signal: signal.Signals, user: User = "same") -> list[str]:
    """The command line that runs `command` as a child that does not outlive this process."""
    orders = json.dumps({"parent": os.getpid(), "signal": death_signal, "user": user})
    return [sys.executable, "-I", "-S", entry.__file__, orders, *command]


async def run_tool(
    name: str,
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    user: User = "same",
    seconds: float = 120.0,
) -> None:
    """Run a command to its end, its output appended to the log. Raises StartFailed when it fails or takes too long."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *tied(command, signal.SIGKILL, user),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=child_environment(environment),
        )
    try:
        code = await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        raise StartFailed(name, f"not finished after {seconds:.0f} s", log) from None
    finally:
        # Whoever gives up on it, or is told to, may start it anew: the first one must not go on beside it.
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
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *tied(program.command, program.death_signal, program.user),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=child_environment(program.environment),
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

    async def until_ready(self) -> None:
        """Raises PortTaken or StartFailed, with the end of the log."""
        program = self.program
        deadline = asyncio.get_running_loop().time() + program.start_seconds
        while True:
            if not self.alive:
                raise self._ended()
            with contextlib.suppress(TimeoutError):
                ready = await asyncio.wait_for(program.ready(), _CHECK_SECONDS)
                if ready and self.alive:
                    return
            if asyncio.get_running_loop().time() > deadline:
                raise StartFailed(program.name, f"not ready after {program.start_seconds:.0f} s", program.log)
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self) -> None:
        """Ask, wait, then insist."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.program.stop_signal)
            try:
                await asyncio.wait_for(self.process.wait(), self.program.stop_seconds)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self.process.kill()
        await self.process.wait()

    def _ended(self) -> StackError:
        tail = "\n".join(log_tail(self.program.log, _BIND_LINES)).lower()
        kind = PortTaken if any(words in tail for words in _BIND_FAILURES) else StartFailed
        return kind(self.program.name, f"ended with exit code {self.process.returncode} before it was ready", self.program.log)


async def start(program: Program) -> Child:
    """Spawn and wait until ready; what did not become ready is stopped again."""
    child = await Child.spawn(program)
    try:
        await child.until_ready()
    except BaseException:
        await child.stop()
        raise
    return child
