"""Start: `portalctl up` with downloads and data prepared, and the demo from a clone with cached packages."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from bench.measuring import Figures, Line, Row, Target, cpu_figures
from bench.stack import processes
from bench.usage import cpu_seconds
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.local.process_table import read_processes
from support.system_stack import Stack

LIMIT_SECONDS: Final = 300
"""Limit of a step."""
_REPOSITORY: Final = Path(__file__).parents[2]


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        stack = Stack(folder / "stack")
        try:
            await _up(stack)
            await _down(stack)
            yield Row([partial(_started, stack), partial(_cloned, folder / "clone")], _lines())
        finally:
            await _down(stack, "--wipe")


def _lines() -> list[Line]:
    return [
        Line("portalctl up, warm, to ready", "up", unit="s", target=Target(at_most=8)),
        Line("make demo from a clone, packages cached", "demo", unit="s", target=Target(at_most=25)),
    ]


async def _started(stack: Stack) -> Figures:
    begun = time.perf_counter()
    await _up(stack)
    seconds = time.perf_counter() - begun
    used = _used_since_start(stack)
    await _down(stack)
    return {"up": seconds, **used}


def _used_since_start(stack: Stack) -> Figures:
    """Processor time of each process since its start; the supervisor includes the tools that it ran."""
    used = {name: cpu_seconds(name, pid) for name, pid in processes(stack).items()}
    supervisor = read_processes(Folder(stack.folder)).supervisor
    assert supervisor, "the stack is up"
    used["portalctl"] = cpu_seconds("portalctl", supervisor.pid) - sum(used.values())
    return cpu_figures("up", {name: 1e6 * seconds for name, seconds in used.items()})


async def _cloned(clone: Path) -> Figures:
    """Start the demo in a clone of the last commit, without uncommitted changes."""
    await _run("git", "clone", "--quiet", str(_REPOSITORY), str(clone))
    try:
        begun = time.perf_counter()
        await _run("make", "--silent", "-C", str(clone), "demo", "DETACH=1")
        return {"demo": time.perf_counter() - begun}
    finally:
        await _run("make", "--silent", "-C", str(clone), "down")
        shutil.rmtree(clone)


async def _run(*command: str) -> None:
    """Run a command, which ends with this process. Raises StackError with the end of its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHONPATH"))}
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
    except FileNotFoundError:
        raise StackError(f"{command[0]} is not installed") from None
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            output = (await process.communicate())[0].decode(errors="replace")
    except TimeoutError:
        raise StackError(f"{' '.join(command)}: not finished after {LIMIT_SECONDS} s") from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
            await process.wait()
    if process.returncode:
        raise StackError(f"{' '.join(command)} failed: {output[-2000:]}")


async def _up(stack: Stack) -> None:
    await _portalctl(stack, "up", "--detach")


async def _down(stack: Stack, *options: str) -> None:
    await _portalctl(stack, "down", *options)


async def _portalctl(stack: Stack, *words: str) -> None:
    done = await asyncio.to_thread(stack.portalctl, *words)
    if done.returncode:
        raise StackError(done.stdout + done.stderr)
