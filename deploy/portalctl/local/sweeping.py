"""What is done while nothing of the stack may run: end leftovers of a killed supervisor, delete the stores."""

import shutil
import signal
import time

from portalctl.local.board import read_board
from portalctl.local.failures import StackError
from portalctl.local.folder import Folder
from portalctl.local.identity import Identity

_ASK_SECONDS = 15.0
_INSIST_SECONDS = 5.0


def sweep(folder: Folder) -> None:
    """End every process that the board names. The caller holds the lock. Raises StackError when one cannot be ended."""
    board = read_board(folder)
    left = {name: entry.identity for name, entry in board.entries.items() if entry.identity}
    if board.supervisor:
        # It has let go of the lock, which is not yet its end.
        left["supervisor"] = board.supervisor
    for name, identity in left.items():
        # A fast shutdown: PostgreSQL's SIGTERM would wait for its clients.
        identity.send(signal.SIGINT if name == "postgres" else signal.SIGTERM)
    if not _gone(list(left.values()), _ASK_SECONDS):
        for identity in left.values():
            identity.send(signal.SIGKILL)
        if not _gone(list(left.values()), _INSIST_SECONDS):
            pids = ", ".join(f"{name} ({identity.pid})" for name, identity in left.items() if identity.running)
            raise StackError(f"these processes could not be ended: {pids}")


def wipe(folder: Folder) -> None:
    """Delete both stores together, and the keys and facts that belong to them: one without the other contradicts itself.
    Ports are kept. The caller holds the lock and has swept."""
    folder.wiping.touch()
    for data in (folder.kafka, folder.postgres, folder.logs):
        if data.exists():
            shutil.rmtree(data)
    for file in (folder.state, folder.secrets, folder.processes):
        file.unlink(missing_ok=True)
    folder.wiping.unlink()


def finish_wipe(folder: Folder) -> None:
    """An interrupted wipe may have left one store."""
    if folder.wiping.exists():
        wipe(folder)
        folder.make()


def _gone(identities: list[Identity], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(identity.running for identity in identities):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
