"""Bringing the stack of a folder up and down, from any other process."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from portalctl.local.board import Board, read_board
from portalctl.local.failures import StackError, log_tail
from portalctl.local.folder import Folder
from portalctl.local.identity import Identity
from portalctl.local.locking import Held, held, is_held
from portalctl.local.programs import tied
from portalctl.local.sweeping import sweep, wipe

_POLL_SECONDS = 0.1
_START_SECONDS = 300.0
_STOP_SECONDS = 60.0

Report = Callable[[str], None]


def supervisor_command(folder: Folder) -> list[str]:
    return [sys.executable, "-m", "portalctl", "--folder", str(folder.root), "supervise"]


def launch(folder: Folder, *, detach: bool, command: Sequence[str] | None = None) -> subprocess.Popen[bytes]:
    """Start a supervisor. Detached, it outlives its caller; otherwise it ends with it."""
    folder.make()
    full = list(command or supervisor_command(folder))
    with folder.log("supervisor").open("ab") as output:
        return subprocess.Popen(
            full if detach else tied(full, signal.SIGTERM),
            # None of the caller's: whoever captures its output would wait for the supervisor's end.
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def is_up(folder: Folder) -> bool:
    """Whether a supervisor runs here, in whatever phase."""
    return is_held(folder.lock)


def follow_start(folder: Folder, process: subprocess.Popen[bytes] | None, report: Report) -> None:
    """Wait until everything is ready, reporting each step. `process` is the supervisor when the caller launched it.
    Raises StackError with the reason, and when it takes too long."""
    deadline = time.monotonic() + _START_SECONDS
    said = ""
    while True:
        board = read_board(folder)
        current = board.supervisor is not None and (process is None or board.supervisor.pid == process.pid)
        if current and board.all_ready and board.supervisor and board.supervisor.running:
            return
        if process is not None and process.poll() is not None:
            if not is_up(folder):
                raise _ended(folder, board if current else None)
            # Another one was faster: it is the one to follow.
            process = None
        elif process is None and not is_up(folder):
            raise _ended(folder, board)
        if current and board.phase == "starting" and board.step != said:
            said = board.step
            report(said)
        if time.monotonic() > deadline:
            late = [f"{name}: {one.problem or one.status}" for name, one in board.entries.items() if not one.ready]
            raise StackError(f"not everything is ready after {_START_SECONDS:.0f} s. {'; '.join(late)}")
        time.sleep(_POLL_SECONDS)


def wake(folder: Folder) -> None:
    """Start at once what waits to be started again."""
    supervisor = read_board(folder).supervisor
    if supervisor:
        supervisor.send(signal.SIGUSR1)


def take_down(folder: Folder, *, wipe_data: bool = False) -> bool:
    """End everything that runs here, whoever started it and whatever became of it; whether anything ran. Raises StackError."""
    if not folder.root.exists():
        return False
    ran = is_up(folder)
    supervisor = read_board(folder).supervisor
    if ran and supervisor:
        supervisor.send(signal.SIGTERM)
    with _taken_over(folder, supervisor):
        sweep(folder)
        if wipe_data:
            wipe(folder)
        else:
            folder.processes.unlink(missing_ok=True)
    return ran


@contextlib.contextmanager
def _taken_over(folder: Folder, supervisor: Identity | None) -> Iterator[None]:
    """Hold the lock once the supervisor has left, be it by force."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(folder.lock, wait_seconds=_STOP_SECONDS))
        except Held:
            if supervisor is None or not supervisor.send(signal.SIGKILL):
                raise StackError(f"{folder.lock} is held by a process that cannot be ended from here") from None
            stack.enter_context(held(folder.lock, wait_seconds=5))
        yield


def _ended(folder: Folder, board: Board | None) -> StackError:
    if board and board.error:
        return StackError(board.error)
    tail = "\n".join(f"  {line}" for line in log_tail(folder.log("supervisor")))
    return StackError(f"the supervisor ended before the stack was ready. The end of its log:\n{tail}")
