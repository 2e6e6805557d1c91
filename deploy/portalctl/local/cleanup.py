"""Stops processes that a killed supervisor left, and deletes the data. The stack does not run meanwhile."""

import shutil
import signal
import time

from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.local.identity import Identity
from portalctl.local.members import members

_TERMINATE_SECONDS = 15.0
_KILL_SECONDS = 5.0


def sweep(folder: Folder) -> None:
    """Stop every other process of the folder. The caller holds the lock. Raises StackError if one cannot be stopped."""
    left = members(folder)
    for identity, name in left.items():
        # SIGINT is a fast shutdown; PostgreSQL would wait for its clients after SIGTERM.
        identity.send(signal.SIGINT if name == "postgres" else signal.SIGTERM)
    if not _ended(list(left), _TERMINATE_SECONDS):
        left = members(folder)
        for identity in left:
            identity.send(signal.SIGKILL)
        if not _ended(list(left), _KILL_SECONDS):
            pids = ", ".join(f"{name} ({identity.pid})" for identity, name in left.items() if identity.running)
            raise StackError(f"these processes could not be ended: {pids}")


def wipe(folder: Folder) -> None:
    """Delete the data of PostgreSQL and Kafka together with their keys and state, because one without the other is inconsistent.
    Ports stay. The caller holds the lock and has called `sweep`."""
    folder.wiping.touch()
    for data in (folder.kafka, folder.postgres, folder.logs, folder.secret_files):
        if data.exists():
            shutil.rmtree(data)
    for file in (folder.state, folder.secrets, folder.processes):
        file.unlink(missing_ok=True)
    folder.wiping.unlink()


def finish_wipe(folder: Folder) -> None:
    """Finish an interrupted wipe, which may have deleted only one of the two data folders."""
    if folder.wiping.exists():
        wipe(folder)
        folder.make()


def _ended(identities: list[Identity], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(identity.running for identity in identities):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
