"""Which processes belong to a folder. The kernel keeps the environment with which a process was started, and in it a mark
with the identity of the folder's directory. A copy of the folder is another directory, so no file in it can claim them."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from portalctl.local.folder import Folder
from portalctl.local.identity import Identity

_MARK = "CUSTOMER_PORTAL_STACK"
SUPERVISOR = "supervisor"


def mark(folder: Folder, name: str) -> dict[str, str]:
    """The variable for a process that is started for the folder."""
    return {_MARK: f"{folder.identity} {name}"}


def mark_of_child(name: str) -> dict[str, str]:
    """For a child of a marked process; nothing where this process is not marked."""
    identity, _, _ = os.environ.get(_MARK, "").partition(" ")
    return {_MARK: f"{identity} {name}"} if identity else {}


def members(folder: Folder) -> dict[Identity, str]:
    """Every other process that runs for the folder, with its name."""
    if not folder.root.is_dir():
        return {}
    return {identity: name for identity, name in _found(folder) if identity.pid != os.getpid()}


def supervisor_of(folder: Folder) -> Identity | None:
    return next((identity for identity, name in members(folder).items() if name == SUPERVISOR), None)


def is_member(folder: Folder, identity: Identity | None, name: str) -> bool:
    """Whether this very process runs for the folder."""
    return identity is not None and folder.root.is_dir() and identity.running and _mark(identity.pid) == (folder.identity, name)


def is_child(identity: Identity | None, parent: Identity) -> bool:
    """Whether this very process was started by the parent and runs."""
    if identity is None or not identity.running:
        return False
    try:
        return psutil.Process(identity.pid).ppid() == parent.pid
    except psutil.Error:
        return False


def listens(pid: int, port: int) -> bool:
    """Whether the process or one below it listens on the port. What cannot be seen counts as listening."""
    try:
        process = psutil.Process(pid)
        each = [process, *process.children(recursive=True)]
        connections = [one for process in each for one in process.net_connections("tcp")]
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)


def works_in(pid: int, directory: Path) -> bool:
    """Whether it is the process's working directory, or in its command line where the former cannot be seen."""
    try:
        process = psutil.Process(pid)
        try:
            return os.path.samefile(process.cwd(), directory)
        except psutil.AccessDenied:
            return str(directory) in process.cmdline()
    except (psutil.Error, OSError):
        return False


def _found(folder: Folder) -> Iterator[tuple[Identity, str]]:
    data = folder.postgres / "data"
    for process in psutil.process_iter():
        of, name = _mark(process.pid) or ("", "")
        # PostgreSQL's own children overwrite their environment, and keep the data folder as their working directory.
        if of != folder.identity and not (_named(process) == "postgres" and works_in(process.pid, data)):
            continue
        if identity := Identity.of(process.pid):
            yield identity, name or "postgres"


def _mark(pid: int) -> tuple[str, str] | None:
    """(identity of the folder, name)"""
    try:
        value = psutil.Process(pid).environ().get(_MARK, "")
    except (psutil.Error, OSError):
        return None
    of, _, name = value.partition(" ")
    return (of, name) if name else None


def _named(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""
