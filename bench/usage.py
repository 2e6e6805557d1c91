"""Processor time and memory of the processes that take part in a measurement."""

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
"""Process ids by name. Each stands for what it has started, too."""

HERE: Final = "python"
"""The name of the process that runs the bench, in rows that measure our code inside it."""


def here() -> Processes:
    return {HERE: os.getpid()}


class Meter:
    """Time that passes, and processor time that the processes use, from its creation on."""

    def __init__(self, processes: Processes) -> None:
        self._processes, self._took = processes, 0.0
        others = _cpu_of_others(processes)
        self._used = _cpu_of_this(processes) | others  # looking at the others is not part of the work
        self._begun = time.perf_counter()

    def done(self) -> None:
        """The operations are answered. Work that follows from them still counts as processor time."""
        self._took = time.perf_counter() - self._begun

    def rate(self, name: str, operations: float) -> Figures:
        """Operations per second until `done`, which is now unless it was called, and what `each` returns."""
        if not self._took:
            self.done()
        return {name: operations / self._took, **self.each(name, operations)}

    def seconds(self) -> dict[str, float]:
        """By process, until now."""
        now = _cpu_of_this(self._processes) | _cpu_of_others(self._processes)
        return {name: now[name] - self._used[name] for name in self._processes}

    def each(self, name: str, operations: float) -> Figures:
        """Microseconds of processor time per operation as `cpu_figures` names them, and `{name}, took`: milliseconds until
        `done`, per operation."""
        used = {process: 1e6 * seconds / operations for process, seconds in self.seconds().items()}
        return {**cpu_figures(name, used), f"{name}, took": 1000 * self._took / operations}


def _cpu_of_this(processes: Processes) -> dict[str, float]:
    """Of this process, where it is named: without its descendants, since the servers of a run are among them."""
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
            # A process that ends meanwhile moves into its parent's account: both accounts must be read in the same state.
            with suppress(psutil.NoSuchProcess):
                used = sum(sum(process.cpu_times()[:4]) for process in before)
                if {root, *root.children(recursive=True)} == before:
                    return float(used)
            root.cpu_times()
    except psutil.NoSuchProcess:
        raise RuntimeError(f"{name} (process {pid}) ended while it was measured") from None
    raise RuntimeError(f"{name} starts and ends processes too quickly to be measured")


def memory(processes: Processes) -> dict[str, float]:
    """MiB that each process has to itself, its descendants included: what PostgreSQL's processes share does not count."""
    used = {}
    for name, pid in processes.items():
        root = psutil.Process(pid)
        used[name] = 0.0
        for each in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                used[name] += each.memory_full_info().uss / MIB
    return used
