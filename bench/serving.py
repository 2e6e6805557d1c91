"""Runs a server in a separate process during a block."""

import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from portalctl.local.errors import PortTaken
from portalctl.local.ports import is_free
from portalctl.local.programs import Child, Program

READY_SECONDS: Final = 60.0
_ROOT: Final = Path(__file__).parents[1]
MODULES: Final = {"PYTHONPATH": os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])}
"""The environment for `python -m bench.…`."""


@dataclass(frozen=True, slots=True)
class Served:
    url: str
    """With a trailing slash."""
    pid: int


@asynccontextmanager
async def serving(
    name: str, port: int, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> AsyncIterator[Served]:
    """Run a command that listens on this port of 127.0.0.1. The block starts when it is ready.

    Raises PortTaken if another program uses the port, StartFailed if the command ends or is not ready in time.
    """
    if not is_free(port):
        raise PortTaken(name, f"another program listens on port {port}")

    async def ready() -> bool:
        return listens(child.pid, port)

    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        log = Path(folder) / f"{name}.log"
        program = Program(name, command, log, ready, environment or {}, death_signal=signal.SIGTERM)
        child = await Child.spawn(program)
        try:
            await child.until_ready(READY_SECONDS)
            yield Served(f"http://127.0.0.1:{port}/", child.pid)
        finally:
            await child.stop()


def listens(pid: int, port: int) -> bool:
    """Whether the process listens on the port. False for an ended process."""
    try:
        listening = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(each.laddr.port == port and each.status == psutil.CONN_LISTEN for each in listening)


def answers(port: int) -> bool:
    """Whether a program listens on this port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
