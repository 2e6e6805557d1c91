"""The identity of a process. Process ids are reused, so a number alone does not identify a process."""

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_LINUX = sys.platform == "linux"
_DEAD_STATES = ("Z", "X")


@dataclass(frozen=True)
class Identity:
    """`started` is the kernel's start time in ticks (on other systems: from ps), `boot` the id of the boot."""

    pid: int
    started: str
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """None for a process that has ended, including zombies."""
        started = _started(pid)
        return None if started is None else cls(pid, started, _boot())

    @classmethod
    def parse(cls, record: dict[str, Any] | None) -> Self | None:
        if not record or "pid" not in record:
            return None
        return cls(int(record["pid"]), str(record.get("started")), str(record.get("boot")))

    def record(self) -> dict[str, Any]:
        return {"pid": self.pid, "started": self.started, "boot": self.boot}

    @property
    def running(self) -> bool:
        return Identity.of(self.pid) == self

    def send(self, number: signal.Signals) -> bool:
        """Whether the signal was sent to this process."""
        with contextlib.suppress(ProcessLookupError):
            if not _LINUX:
                if not self.running:
                    return False
                os.kill(self.pid, number)
                return True
            # The descriptor prevents the reuse of the number after the comparison.
            descriptor = os.pidfd_open(self.pid)
            try:
                if not self.running:
                    return False
                signal.pidfd_send_signal(descriptor, number)
                return True
            finally:
                os.close(descriptor)
        return False


def _started(pid: int) -> str | None:
    if not _LINUX:
        listing = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        state, _, started = listing.stdout.strip().partition(" ")
        return started.strip() if started and not state.startswith(_DEAD_STATES) else None
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, the name, may contain spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in _DEAD_STATES else fields[19]


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip() if _LINUX else ""


def resident_bytes(pid: int) -> int | None:
    """Resident memory of the process; None if the system does not report it."""
    try:
        pages = int(Path("/proc", str(pid), "statm").read_text().split()[1])
    except (OSError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
