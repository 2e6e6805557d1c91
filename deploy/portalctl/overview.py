"""What `status` and `up` show."""

from typing import Any

from rich.table import Table

from portalctl.local.board import Board
from portalctl.local.folder import Folder
from portalctl.local.identity import resident_bytes
from portalctl.terminal import err, out, say

_MIB = 1024 * 1024


def show_addresses(state: dict[str, Any]) -> None:
    """One `name address` per line."""
    for name, url in state.get("urls", {}).items():
        say(f"{name:<16}{url}")
    say(f"{'kafka':<16}{state['kafka']['bootstrap_servers']}")


def show_processes(folder: Folder, board: Board) -> None:
    table = Table("process", "status", "pid", "MiB", "log")
    for name, entry in board.entries.items():
        running = entry.identity is not None and entry.identity.running
        resident = resident_bytes(entry.identity.pid) if entry.identity and running else None
        status = entry.status if running or entry.identity is None else "ended"
        pid = str(entry.identity.pid) if entry.identity and running else ""
        table.add_row(name, status, pid, str(resident // _MIB) if resident else "", str(folder.log(name)))
    out.print(table)
    for name, entry in board.entries.items():
        if entry.problem:
            err.print(f"{name}: {entry.problem}", markup=False)
