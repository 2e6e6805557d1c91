"""What is done while nothing of the stack may run: end leftovers of a killed supervisor, delete the stores."""

import shutil
import signal
import time

from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.local.identity import Identity
from portalctl.local.members import members

_ASK_SECONDS = 15.0
_INSIST_SECONDS = 5.0


def sweep(folder: Folder) -> None:
    """End every other process that runs for the folder. The caller holds the lock. Raises StackError when one cannot be ended."""
    left = members(folder)
    for identity, name in left.items():
        # A fast shutdown: PostgreSQL's SIGTERM would wait for its clients.
        identity.send(signal.SIGINT if name == "postgres" else signal.SIGTERM)
    if not _gone(list(left), _ASK_SECONDS):
        left = members(folder)
        for identity in left:
            identity.send(signal.SIGKILL)
        if not _gone(list(left), _INSIST_SECONDS):
            pids = ", ".join(f"{name} ({identity.pid})" for identity, name in left.items() if identity.running)
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
