"""Processor time and memory of the measured processes."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import psutil

from bench.measuring import Figures, cpu_figures

MIB: Final = 2**20
_TRIES: Final = 20

Processes = Mapping[str, int]
"""Process ids by name. Each includes its descendants."""

HERE: Final = "python"
"""The name of the bench's own process, in rows that call our code directly."""


def here() -> Processes:
    return {HERE: os.getpid()}


class Meter:
    """Measures elapsed time, and processor time of the processes, from its creation."""

    def __init__(self, processes: Processes) -> None:
        self._processes, self._elapsed = processes, 0.0
        others = _cpu_of_others(processes)
        self._used = _cpu_of_this(processes) | others  # reading the others' times is not part of the work
        self._begun = time.perf_counter()

    def done(self) -> None:
        """Stop the elapsed time. Later work still counts as processor time."""
        self._elapsed = time.perf_counter() - self._begun

    def rate(self, name: str, operations: float) -> Figures:
        """Operations per second until `done` (or now), and the figures of `each`."""
        if not self._elapsed:
            self.done()
        return {name: operations / self._elapsed, **self.each(name, operations)}

    def seconds(self) -> dict[str, float]:
        """Processor seconds by process, until now."""
        now = _cpu_of_this(self._processes) | _cpu_of_others(self._processes)
        return {name: now[name] - self._used[name] for name in self._processes}

    def each(self, name: str, operations: float) -> Figures:
        """Microseconds of processor time per operation as `cpu_figures` names them, and `{name}, took`: milliseconds until
        `done`, per operation."""
        used = {process: 1e6 * seconds / operations for process, seconds in self.seconds().items()}
        return {**cpu_figures(name, used), f"{name}, took": 1000 * self._elapsed / operations}


def _cpu_of_this(processes: Processes) -> dict[str, float]:
    """Processor time of this process if it is listed, without its descendants, which include the servers of a run."""
    return {name: time.process_time() for name, pid in processes.items() if pid == os.getpid()}


def _cpu_of_others(processes: Processes) -> dict[str, float]:
    return {name: cpu_seconds(name, pid) for name, pid in processes.items() if pid != os.getpid()}


def cpu_seconds(name: str, pid: int) -> float:
    """User and system time so far of a process, its descendants, and those descendants that have ended.

    Raises RuntimeError when the process has ended.
    """
    try:
        root = psutil.Process(pid)
        for _ in range(_TRIES):
            before = {root, *root.children(recursive=True)}
            # The time of an ended process moves to its parent, so both must be read in the same state.
            with suppress(psutil.NoSuchProcess):
                used = sum(sum(process.cpu_times()[:4]) for process in before)
                if {root, *root.children(recursive=True)} == before:
                    return float(used)
            root.cpu_times()
    except psutil.NoSuchProcess:
        raise RuntimeError(f"{name} (process {pid}) ended while it was measured") from None
    raise RuntimeError(f"{name} starts and ends processes too quickly to be measured")


def memory(processes: Processes) -> dict[str, float]:
    """Private MiB of each process with its descendants. Memory shared by PostgreSQL's processes does not count."""
    used = {}
    for name, pid in processes.items():
        root = psutil.Process(pid)
        used[name] = 0.0
        for each in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                used[name] += each.memory_full_info().uss / MIB
    return used
