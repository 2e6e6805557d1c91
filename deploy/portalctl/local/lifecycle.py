"""Bringing the stack of a folder up and down, from any other process."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from portalctl.local.cleanup import sweep, wipe
from portalctl.local.errors import StackError, StartFailed, timed_out
from portalctl.local.folder import Folder
from portalctl.local.identity import Identity
from portalctl.local.locks import Held, held, is_held
from portalctl.local.members import SUPERVISOR, mark, members, supervisor_of
from portalctl.local.process_table import ProcessTable, read_processes
from portalctl.local.programs import child_environment, log_file, tied
from portalctl.local.progress import Report
from portalctl.local.state import read_state
from portalctl.settings import DEADLINE_SECONDS

_POLL_SECONDS = 0.1
_APPEAR_SECONDS = 5.0
_STOP_SECONDS = 60.0

_FOR_THE_SUPERVISOR = (
    # Where servers are, and what an operator has set.
    "KAFKA_BOOTSTRAP_SERVERS", "PORTAL_POSTGRES_URL", "PORTAL_DEADLINE_SECONDS", "REPLICATION",
    # For downloads.
    "HOME", "XDG_CACHE_HOME", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip


def supervisor_command(folder: Folder) -> list[str]:
    return [sys.executable, "-I", "-m", "portalctl", "--folder", str(folder.root), "supervise"]


def launch(folder: Folder, *, detach: bool, command: Sequence[str] | None = None) -> subprocess.Popen[bytes]:
    """Start a supervisor. Detached, it outlives its caller; otherwise it ends with it."""
    folder.make()
    full = list(command or supervisor_command(folder))
    kept = {name: os.environ[name] for name in _FOR_THE_SUPERVISOR if name in os.environ}
    with log_file(folder.log("supervisor")) as output:
        return subprocess.Popen(
            full if detach else tied(full, signal.SIGTERM),
            # None of the caller's: a program that captures its output would wait for the supervisor's end.
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=child_environment({**kept, **mark(folder, SUPERVISOR)}),
            start_new_session=True,
        )


def is_up(folder: Folder) -> bool:
    """Whether a supervisor runs here, in whatever phase."""
    return is_held(folder.lock)


def follow_start(
    folder: Folder, process: subprocess.Popen[bytes] | None, report: Report, seconds: float = DEADLINE_SECONDS
) -> None:
    """Wait until everything is ready, reporting each step. `process` is the supervisor when the caller launched it.
    Raises StackError with the reason, and when nothing happens for longer than `seconds`, twice those of a step."""
    patience = 2 * seconds
    deadline = time.monotonic() + patience
    # Of a stack that runs already only what happens from now on.
    shown = 0 if process else len(read_processes(folder).steps)
    while True:
        board = read_processes(folder)
        current = board.supervisor is not None and (process is None or board.supervisor.pid == process.pid)
        for step in board.steps[shown:] if current else ():
            report(step)
            shown += 1
            deadline = time.monotonic() + patience
        if current and board.all_ready:
            return
        if process is not None and process.poll() is not None:
            if not is_up(folder):
                raise _ended(folder, board if board.written_by == process.pid else None)
            # Another one was faster: it is the one to follow.
            process, shown = None, 0
        elif process is None and not is_up(folder):
            raise _ended(folder, board)
        if time.monotonic() > deadline:
            late = [f"{name}: {one.problem or one.status}" for name, one in board.entries.items() if not one.ready]
            raise timed_out("; ".join(late) or "the supervisor", patience, folder.log("supervisor"))
        time.sleep(_POLL_SECONDS)


def running_state(folder: Folder, part: str | None) -> dict[str, Any]:
    """state.json, for work with the named part of the stack. Raises StackError unless that part is elsewhere or runs for this
    very folder: the file may be a copy that names another stack's addresses."""
    state = read_state(folder)
    if part is None or (state and part not in state.get("logs", {})):
        return state
    if not state:
        raise StackError("no stack was started here: run portalctl up first")
    board = read_processes(folder)
    if board.supervisor is None or not (entry := board.entries.get(part)) or entry.identity is None:
        raise StackError(f"{part} does not run here: run portalctl up first")
    return state


def wake(folder: Folder) -> None:
    """Start at once what waits to be started again. Raises StackError for a supervisor that cannot be seen."""
    if supervisor := _supervisor(folder):
        supervisor.send(signal.SIGUSR1)


def take_down(folder: Folder, *, wipe_data: bool = False) -> bool:
    """End everything that runs for the folder, in whatever state it is; whether anything ran. Raises StackError."""
    if not folder.root.exists():
        return False
    folder.check_ours()
    ran = is_up(folder) or bool(members(folder))
    if supervisor := _supervisor(folder):
        supervisor.send(signal.SIGTERM)
    with _taken_over(folder, supervisor):
        sweep(folder)
        if wipe_data:
            wipe(folder)
        else:
            folder.processes.unlink(missing_ok=True)
    return ran


def _supervisor(folder: Folder) -> Identity | None:
    """The process that holds the lock; None when it is free. Raises StackError when that process cannot be seen."""
    deadline = time.monotonic() + _APPEAR_SECONDS
    while (found := supervisor_of(folder)) is None and is_up(folder):
        if time.monotonic() > deadline:
            raise StackError(
                f"{folder.lock} is held by a process that cannot be seen from here: "
                "of another user or container, or of another version of portalctl"
            )
        time.sleep(_POLL_SECONDS)
    return found


@contextlib.contextmanager
def _taken_over(folder: Folder, supervisor: Identity | None) -> Iterator[None]:
    """Hold the lock once the supervisor has ended, by force if need be."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(folder.lock, wait_seconds=_STOP_SECONDS))
        except Held:
            if supervisor is None or not supervisor.send(signal.SIGKILL):
                raise StackError(f"{folder.lock} is held by a process that cannot be ended from here") from None
            stack.enter_context(held(folder.lock, wait_seconds=5))
        yield


def _ended(folder: Folder, board: ProcessTable | None) -> StackError:
    if board and board.error:
        return StackError(board.error)
    return StartFailed("the supervisor", "ended before the stack was ready", folder.log("supervisor"))
