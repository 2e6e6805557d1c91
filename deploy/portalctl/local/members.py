"""Finds the processes of a folder. The kernel keeps the initial environment of a process, which contains a mark with the
identity of the folder's directory. A copy of the folder is another directory, so its files cannot claim these processes."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from portalctl.local.folder import Folder
from portalctl.local.identity import Identity

_MARK = "CUSTOMER_PORTAL_STACK"
SUPERVISOR = "supervisor"


def mark(folder: Folder, name: str) -> dict[str, str]:
    """The environment variable for a process of the folder."""
    return {_MARK: f"{folder.identity} {name}"}


def mark_of_child(name: str) -> dict[str, str]:
    """The variable for a child of this process; empty if this process has no mark."""
    identity, _, _ = os.environ.get(_MARK, "").partition(" ")
    return {_MARK: f"{identity} {name}"} if identity else {}


def members(folder: Folder) -> dict[Identity, str]:
    """Every other process of the folder, with its name."""
    if not folder.root.is_dir():
        return {}
    return {identity: name for identity, name in _members(folder) if identity.pid != os.getpid()}


def supervisor_of(folder: Folder) -> Identity | None:
    return next((identity for identity, name in members(folder).items() if name == SUPERVISOR), None)


def is_member(folder: Folder, identity: Identity | None, name: str) -> bool:
    """Whether the process runs and belongs to the folder."""
    return identity is not None and folder.root.is_dir() and identity.running and _mark(identity.pid) == (folder.identity, name)


def is_child(identity: Identity | None, parent: Identity) -> bool:
    """Whether the process runs and the parent started it."""
    if identity is None or not identity.running:
        return False
    try:
        return psutil.Process(identity.pid).ppid() == parent.pid
    except psutil.Error:
        return False


def listens(pid: int, port: int) -> bool:
    """Whether the process or a descendant listens on the port. A process without access counts as listening."""
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
    """Whether the process works in the directory. Without access to that, whether its command line contains the directory."""
    try:
        process = psutil.Process(pid)
        try:
            return os.path.samefile(process.cwd(), directory)
        except psutil.AccessDenied:
            return str(directory) in process.cmdline()
    except (psutil.Error, OSError):
        return False


def _members(folder: Folder) -> Iterator[tuple[Identity, str]]:
    data = folder.postgres / "data"
    for process in psutil.process_iter():
        owner, name = _mark(process.pid) or ("", "")
        # PostgreSQL's children overwrite their environment, but their working directory is the data folder.
        if owner != folder.identity and not (_named(process) == "postgres" and works_in(process.pid, data)):
            continue
        if identity := Identity.of(process.pid):
            yield identity, name or "postgres"


def _mark(pid: int) -> tuple[str, str] | None:
    """(identity of the folder, name)"""
    try:
        value = psutil.Process(pid).environ().get(_MARK, "")
    except (psutil.Error, OSError):
        return None
    owner, _, name = value.partition(" ")
    return (owner, name) if name else None


def _named(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""
