"""The output of `status` and `up`."""

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


def show_processes(folder: Folder, table: ProcessTable) -> bool:
    """Print a line for each process, then the problems. Returns whether everything is ready."""
    up = is_up(folder)
    if not up:
        say("nothing runs here: portalctl up starts it")
    elif table.supervisor is None:
        _show_unrecorded(folder)
    else:
        _show_recorded(folder, table)
    if up and (problem := folder.problem()):
        err.print(problem, style="red")
    return up and table.all_ready


def _show_recorded(folder: Folder, table: ProcessTable) -> None:
    say(_ROW.format("process", "status", "pid", "MiB", "log"))
    for name, entry in table.entries.items():
        running = entry.identity is not None and entry.identity.running
        ended = not running and entry.status in ("starting", "ready")
        _show(folder, name, "ended" if ended else entry.status, entry.identity.pid if entry.identity and running else None)
    for name, entry in table.entries.items():
        if entry.problem:
            err.print(f"{name}: {entry.problem}")


def _show_unrecorded(folder: Folder) -> None:
    """Show the processes known to the kernel, while the supervisor has just started or cannot write."""
    say(_ROW.format("process", "status", "pid", "MiB", "log"))
    supervisor = supervisor_of(folder)
    for identity, name in members(folder).items():
        if supervisor and is_child(identity, supervisor):
            _show(folder, name, "running", identity.pid)
    err.print(f"the supervisor has no record in {folder.processes}: it has just begun, or cannot write it", style="red")


def _show(folder: Folder, name: str, status: str, pid: int | None) -> None:
    resident = resident_bytes(pid) if pid else None
    say(_ROW.format(name, status, pid or "", resident // _MIB if resident else "", folder.log(name)))
