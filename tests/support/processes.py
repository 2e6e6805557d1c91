"""Processes of a test: they end with the test, within a deadline, and never outlive pytest."""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil

from portalctl.local.folder import Folder
from portalctl.local.members import members
from portalctl.local.programs import tied_command

IGNORING = ("sh", "-c", 'trap "" INT HUP TERM; exec "$@"', "sh")
"""Runs the command with the ignored signals of a background job or nohup."""
END_SECONDS = 30
RUN_SECONDS = 120


@asynccontextmanager
async def process(
    *command: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> AsyncIterator[Process]:
    """The running command. It is killed at the end, unless the test has ended it in order."""
    whole = tied_command(command, signal.SIGKILL)
    started = await asyncio.create_subprocess_exec(*whole, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr)
    try:
        yield started
    finally:
        await end(started)


def python(*words: str) -> tuple[str, ...]:
    return (sys.executable, *words)


async def end(started: Process) -> None:
    if started.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
    await asyncio.wait_for(started.wait(), END_SECONDS)


async def exit_code(*command: str, env: Mapping[str, str] | None = None) -> int:
    """Run the command to its end and drop its output."""
    async with process(*command, env=env, stdout=DEVNULL) as running:
        return await asyncio.wait_for(running.wait(), RUN_SECONDS)


def signal_if_running(process: psutil.Process, number: signal.Signals) -> None:
    """A process can end between any look at it and the signal."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def with_descendants(pid: int) -> list[psutil.Process]:
    """The process and its descendants; [] when it has ended. Each of them can have ended when the list is used."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


@contextmanager
def suspended(pid: int) -> Iterator[None]:
    """Suspend the process and its descendants."""
    stopped = with_descendants(pid)
    try:
        for each in stopped:
            signal_if_running(each, signal.SIGSTOP)
        yield
    finally:
        # A process that was forked meanwhile is as suspended as its parent was.
        for each in {*stopped, *with_descendants(pid)}:
            signal_if_running(each, signal.SIGCONT)


def abandon_stack(folder: Folder) -> None:
    """Kill the processes of a folder that is deleted: a shutdown in order takes seconds. PostgreSQL is left to `down`, because a
    killed one leaves its shared memory."""
    for identity, name in members(folder).items():
        if name != "postgres":
            identity.send(signal.SIGKILL)


def end_stack(folder: Folder) -> None:
    """Kill processes of the folder that still run after `down` has failed."""
    for identity in members(folder):
        identity.send(signal.SIGKILL)
