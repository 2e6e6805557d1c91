"""`.portal/processes.json`: the supervisor's processes and their status, for other commands to read."""

import contextlib
import logging
import os
from dataclasses import dataclass, field
from typing import Any, Literal

from portalctl.local.folder import Folder, read_json, write_json
from portalctl.local.identity import Identity
from portalctl.local.members import SUPERVISOR, is_child, is_member
from portalctl.local.state import update_state

Phase = Literal["starting", "ready", "stopping", "failed", "stopped"]
Status = Literal["waiting", "starting", "ready", "restarting", "stopped"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One process. `problem` is the reason why it is not ready."""

    status: Status
    identity: Identity | None = None
    problem: str = ""

    @property
    def ready(self) -> bool:
        """Whether it runs and is ready. False as soon as the process has ended, even before the supervisor records it."""
        return self.status == "ready" and self.identity is not None and self.identity.running


@dataclass(frozen=True)
class ProcessTable:
    """`steps` are the reported steps of the start; `error` is the reason of the phase "failed". `supervisor` is None, and entries
    have no process, unless that supervisor runs for this folder: in a copy the file names the processes of the original."""

    phase: Phase
    supervisor: Identity | None
    entries: dict[str, Entry]
    steps: tuple[str, ...] = ()
    error: str = ""
    written_by: int | None = None
    """The process id of the supervisor that wrote it."""

    @property
    def all_ready(self) -> bool:
        return self.supervisor is not None and self.phase == "ready" and all(entry.ready for entry in self.entries.values())


def read_processes(folder: Folder) -> ProcessTable:
    record = read_json(folder.processes)
    writer = Identity.parse(record.get("supervisor"))
    supervisor = writer if is_member(folder, writer, SUPERVISOR) else None
    entries = {name: _entry(one, supervisor) for name, one in record.get("processes", {}).items()}
    return ProcessTable(
        record.get("phase", "stopped"),
        supervisor,
        entries,
        tuple(record.get("steps", ())),
        record.get("error", ""),
        writer.pid if writer else None,
    )


def _entry(one: dict[str, Any], supervisor: Identity | None) -> Entry:
    identity = Identity.parse(one)
    ours = supervisor is not None and is_child(identity, supervisor)
    return Entry(one["status"], identity if ours else None, one.get("problem", ""))


@dataclass
class Records:
    """Writes processes.json, and the process ids in state.json, for the supervisor. A file that cannot be written, for example on
    a full disk, is removed, because an old one would mislead. A later `flush` writes it."""

    folder: Folder
    published: bool = False
    """Whether state.json belongs to this stack."""
    _phase: Phase = "starting"
    _steps: list[str] = field(default_factory=list)
    _error: str = ""
    _entries: dict[str, Entry] = field(default_factory=dict)
    _unwritten: bool = False

    def phase(self, phase: Phase, error: str = "") -> None:
        self._phase, self._error = phase, error
        self._write(processes=False)

    def step(self, step: str) -> None:
        log.info(step)
        self._steps.append(step)
        self._write(processes=False)

    def entry(self, name: str, status: Status, pid: int | None = None, problem: str = "") -> None:
        self._entries[name] = Entry(status, Identity.of(pid) if pid else None, problem)
        self._write()

    def flush(self) -> bool:
        """Write unwritten records. Returns whether that succeeded."""
        if self._unwritten:
            self._write()
            return not self._unwritten
        return False

    def _write(self, *, processes: bool = True) -> None:
        """Write processes.json, and state.json if a process has changed."""
        try:
            write_json(self.folder.processes, self._record(), durable=False)
            if self.published and (processes or self._unwritten):
                update_state(self.folder, wait_seconds=1, processes=self._pids())
        except Exception as error:
            if not self._unwritten:
                log.error("records cannot be written; retrying: %r", error)
            self._unwritten = True
            with contextlib.suppress(OSError):
                self.folder.processes.unlink(missing_ok=True)
        else:
            if self._unwritten:
                log.info("records can be written again")
            self._unwritten = False

    def _pids(self) -> dict[str, int]:
        return {name: entry.identity.pid for name, entry in self._entries.items() if entry.identity}

    def _record(self) -> dict[str, Any]:
        processes = {
            name: {"status": entry.status, "problem": entry.problem, **(entry.identity.record() if entry.identity else {})}
            for name, entry in self._entries.items()
        }
        supervisor = Identity.of(os.getpid())
        return {
            "phase": self._phase,
            "steps": self._steps,
            "error": self._error,
            "supervisor": supervisor.record() if supervisor else None,
            "processes": processes,
        }
