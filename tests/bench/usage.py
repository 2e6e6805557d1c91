"""What the processes of a stack use: processor time and memory."""

import time
from contextlib import suppress
from typing import Final

import psutil

from bench.measuring import Figures
from bench.stack import Shop

MIB: Final = 2**20


class Spent:
    """What is spent from when it is made on a number of things alike."""

    def __init__(self, shop: Shop) -> None:
        self._shop, self._begun, self._used = shop, time.perf_counter(), _processor_seconds(shop)
        self._took = 0.0

    def done(self) -> None:
        """Whoever waited for the things has them; what follows of them is still to be paid for."""
        self._took = time.perf_counter() - self._begun

    def each(self, name: str, things: int) -> Figures:
        """Milliseconds of processor time per thing, under the name, and how long each took."""
        used = _processor_seconds(self._shop) - self._used
        return {name: 1000 * used / things, f"{name}, took": 1000 * self._took / things}


def memory(shop: Shop) -> dict[str, float]:
    """MiB that each process has to itself, its children included: what PostgreSQL's processes share counts for none."""
    used = {}
    for name, processes in _processes(shop).items():
        used[name] = 0.0
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                used[name] += each.memory_full_info().uss / MIB
    return used


def _processor_seconds(shop: Shop) -> float:
    total = 0.0
    for processes in _processes(shop).values():
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                total += times.user + times.system
    return total


def _processes(shop: Shop) -> dict[str, list[psutil.Process]]:
    """Each with its children."""
    parents = {name: psutil.Process(pid) for name, pid in shop.stack.state["processes"].items()}
    return {name: [parent, *parent.children(recursive=True)] for name, parent in parents.items()}
