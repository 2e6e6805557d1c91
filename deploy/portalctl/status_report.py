"""What `status` and `up` show."""

from typing import Any

from portalctl.local.folder import Folder
from portalctl.local.identity import resident_bytes
from portalctl.local.lifecycle import is_up
from portalctl.local.members import is_child, members, supervisor_of
from portalctl.local.process_table import ProcessTable
from portalctl.terminal import err, say

_MIB = 1024 * 1024
_ROW = "{:<16}{:<12}{:>8}{:>6}  {}"


def show_addresses(state: dict[str, Any]) -> None:
    """One `name address` per line."""
    for name, url in state.get("urls", {}).items():
        say(f"{name:<16}{url}")
    say(f"{'kafka':<16}{state['kafka']['bootstrap_servers']}")


def show_processes(folder: Folder, board: ProcessTable) -> bool:
    """A line for each process, then what is wrong; whether everything is well."""
    up = is_up(folder)
    if not up:
        say("nothing runs here: portalctl up starts it")
    elif board.supervisor is None:
        _show_unrecorded(folder)
    else:
        _show_recorded(folder, board)
    if up and (trouble := folder.trouble()):
        err.print(trouble, style="red")
    return up and board.all_ready


def _show_recorded(folder: Folder, board: ProcessTable) -> None:
    say(_ROW.format("process", "status", "pid", "MiB", "log"))
    for name, entry in board.entries.items():
        running = entry.identity is not None and entry.identity.running
        ended = not running and entry.status in ("starting", "ready")
        _show(folder, name, "ended" if ended else entry.status, entry.identity.pid if entry.identity and running else None)
    for name, entry in board.entries.items():
        if entry.problem:
            err.print(f"{name}: {entry.problem}")


def _show_unrecorded(folder: Folder) -> None:
    """What the kernel knows, while the supervisor cannot write, or has just begun."""
    say(_ROW.format("process", "status", "pid", "MiB", "log"))
    supervisor = supervisor_of(folder)
    for identity, name in members(folder).items():
        if supervisor and is_child(identity, supervisor):
            _show(folder, name, "running", identity.pid)
    err.print(f"the supervisor has no record in {folder.processes}: it has just begun, or cannot write it", style="red")


def _show(folder: Folder, name: str, status: str, pid: int | None) -> None:
    resident = resident_bytes(pid) if pid else None
    say(_ROW.format(name, status, pid or "", resident // _MIB if resident else "", folder.log(name)))
