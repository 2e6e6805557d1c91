"""`.portal/processes.json`: which processes the supervisor runs and how they are, for every other command to read."""

import os
from dataclasses import dataclass
from typing import Any, Literal

from portalctl.local.folder import Folder, read_json, write_json
from portalctl.local.identity import Identity

Phase = Literal["starting", "ready", "stopping", "failed", "stopped"]
Status = Literal["waiting", "starting", "ready", "restarting", "stopped"]


@dataclass(frozen=True)
class Entry:
    """One process. `problem` is why it is not ready, when it should be."""

    status: Status
    identity: Identity | None = None
    problem: str = ""

    @property
    def ready(self) -> bool:
        """Also false between a process's end and the supervisor's noticing it."""
        return self.status == "ready" and self.identity is not None and self.identity.running


@dataclass(frozen=True)
class Board:
    """`error` says why the phase is "failed"; `step` what the start is at."""

    phase: Phase
    supervisor: Identity | None
    entries: dict[str, Entry]
    step: str = ""
    error: str = ""

    @property
    def all_ready(self) -> bool:
        return self.phase == "ready" and all(entry.ready for entry in self.entries.values())


def read_board(folder: Folder) -> Board:
    record = read_json(folder.processes)
    entries = {
        name: Entry(one["status"], Identity.parse(one), one.get("problem", ""))
        for name, one in record.get("processes", {}).items()
    }
    supervisor = Identity.parse(record.get("supervisor"))
    return Board(record.get("phase", "stopped"), supervisor, entries, record.get("step", ""), record.get("error", ""))


class BoardWriter:
    """The supervisor's side: every change is on disk before the next thing happens."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._phase: Phase = "starting"
        self._step = ""
        self._error = ""
        self._entries: dict[str, Entry] = {}
        self._supervisor = Identity.of(os.getpid())

    def phase(self, phase: Phase, *, step: str = "", error: str = "") -> None:
        self._phase, self._step, self._error = phase, step, error
        self._write()

    def entry(self, name: str, status: Status, pid: int | None = None, problem: str = "") -> None:
        self._entries[name] = Entry(status, Identity.of(pid) if pid else None, problem)
        self._write()

    def pids(self) -> dict[str, int]:
        return {name: entry.identity.pid for name, entry in self._entries.items() if entry.identity}

    def _write(self) -> None:
        processes: dict[str, dict[str, Any]] = {
            name: {"status": entry.status, "problem": entry.problem, **(entry.identity.record() if entry.identity else {})}
            for name, entry in self._entries.items()
        }
        record = {
            "phase": self._phase,
            "step": self._step,
            "error": self._error,
            "supervisor": self._supervisor.record() if self._supervisor else None,
            "processes": processes,
        }
        write_json(self._folder.processes, record)
