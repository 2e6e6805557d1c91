"""Starts and stops the stack of a folder, from any process."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from chassis.service.kafka_settings import KafkaSettings
from portalctl.local.cleanup import sweep, wipe
from portalctl.local.errors import StackError, StartFailed, timed_out
from portalctl.local.folder import Folder
from portalctl.local.identity import Identity
from portalctl.local.locks import Held, held, is_held
from portalctl.local.members import SUPERVISOR, mark, members, supervisor_of
from portalctl.local.process_table import ProcessTable, read_processes
from portalctl.local.programs import child_environment, log_file, tied_command
from portalctl.local.progress import Report
from portalctl.local.state import read_state
from portalctl.settings import DEADLINE_SECONDS

_POLL_SECONDS = 0.1
_APPEAR_SECONDS = 5.0
_STOP_SECONDS = 60.0

_SUPERVISOR_VARIABLES = (
    # Servers and settings of the operator.
    "KAFKA_BOOTSTRAP_SERVERS", "PORTAL_POSTGRES_URL", "PORTAL_DEADLINE_SECONDS", "PORTAL_WAL_ARCHIVE", "REPLICATION",
    *(name.upper() for name in KafkaSettings.model_fields),
    # For downloads.
    "HOME", "XDG_CACHE_HOME", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip


def supervisor_command(folder: Folder) -> list[str]:
    return [sys.executable, "-I", "-m", "portalctl", "--folder", str(folder.root), "supervise"]


def launch(folder: Folder, *, detach: bool, command: Sequence[str] | None = None) -> subprocess.Popen[bytes]:
    """Start a supervisor. Detached, it outlives its caller; otherwise both end together."""
    folder.make()
    full = list(command or supervisor_command(folder))
    inherited = {name: os.environ[name] for name in _SUPERVISOR_VARIABLES if name in os.environ}
    with log_file(folder.log("supervisor")) as output:
        return subprocess.Popen(
            full if detach else tied_command(full, signal.SIGTERM),
            # Not the caller's streams: a program that captures their output would wait for the supervisor's end.
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=child_environment({**inherited, **mark(folder, SUPERVISOR)}),
            start_new_session=True,
        )


def is_up(folder: Folder) -> bool:
    """Whether a supervisor runs here, in any phase."""
    return is_held(folder.lock)


def follow_start(
    folder: Folder, process: subprocess.Popen[bytes] | None, report: Report, seconds: float = DEADLINE_SECONDS
) -> None:
    """Wait until everything is ready, reporting each step. `process` is the supervisor if the caller launched it.
    Raises StackError with the reason, also without progress for twice `seconds`, the limit of a step."""
    patience = 2 * seconds
    deadline = time.monotonic() + patience
    # For a running stack, report only new steps.
    shown = 0 if process else len(read_processes(folder).steps)
    while True:
        table = read_processes(folder)
        current = table.supervisor is not None and (process is None or table.supervisor.pid == process.pid)
        for step in table.steps[shown:] if current else ():
            report(step)
            shown += 1
            deadline = time.monotonic() + patience
        if current and table.all_ready:
            return
        if process is not None and process.poll() is not None:
            if not is_up(folder):
                raise _ended(folder, table if table.written_by == process.pid else None)
            # Another supervisor was faster: follow that one.
            process, shown = None, 0
        elif process is None and not is_up(folder):
            raise _ended(folder, table)
        if time.monotonic() > deadline:
            late = [f"{name}: {one.problem or one.status}" for name, one in table.entries.items() if not one.ready]
            raise timed_out("; ".join(late) or "the supervisor", patience, folder.log("supervisor"))
        time.sleep(_POLL_SECONDS)


def running_state(folder: Folder, part: str | None) -> dict[str, Any]:
    """state.json, for work with the named part of the stack. Raises StackError unless the part is external or runs for this
    folder: the file may be a copy with another stack's addresses."""
    state = read_state(folder)
    if part is None or (state and part not in state.get("logs", {})):
        return state
    if not state:
        raise StackError("no stack was started here: run portalctl up first")
    table = read_processes(folder)
    if table.supervisor is None or not (entry := table.entries.get(part)) or entry.identity is None:
        raise StackError(f"{part} does not run here: run portalctl up first")
    return state


def wake(folder: Folder) -> None:
    """End the pauses before restarts. Raises StackError for a supervisor that is not visible from here."""
    if supervisor := _supervisor(folder):
        supervisor.send(signal.SIGUSR1)


def take_down(folder: Folder, *, wipe_data: bool = False) -> bool:
    """Stop all processes of the folder. Returns whether any ran. Raises StackError."""
    if not folder.root.exists():
        return False
    folder.check_ours()
    ran = is_up(folder) or bool(members(folder))
    if supervisor := _supervisor(folder):
        supervisor.send(signal.SIGTERM)
    with _locked_after(folder, supervisor):
        sweep(folder)
        if wipe_data:
            wipe(folder)
        else:
            folder.processes.unlink(missing_ok=True)
    return ran


def _supervisor(folder: Folder) -> Identity | None:
    """The process that holds the lock, or None. Raises StackError if that process is not visible from here."""
    deadline = time.monotonic() + _APPEAR_SECONDS
    while (supervisor := supervisor_of(folder)) is None and is_up(folder):
        if time.monotonic() > deadline:
            raise StackError(
                f"{folder.lock} is held by a process that cannot be seen from here: "
                "of another user or container, or of another version of portalctl"
            )
        time.sleep(_POLL_SECONDS)
    return supervisor


@contextlib.contextmanager
def _locked_after(folder: Folder, supervisor: Identity | None) -> Iterator[None]:
    """Hold the lock after the supervisor has ended. Kill the supervisor if it does not end in time."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(folder.lock, wait_seconds=_STOP_SECONDS))
        except Held:
            if supervisor is None or not supervisor.send(signal.SIGKILL):
                raise StackError(f"{folder.lock} is held by a process that cannot be ended from here") from None
            stack.enter_context(held(folder.lock, wait_seconds=5))
        yield


def _ended(folder: Folder, table: ProcessTable | None) -> StackError:
    if table and table.error:
        return StackError(table.error)
    return StartFailed("the supervisor", "ended before the stack was ready", folder.log("supervisor"))
