"""Processor time of real processes, which come and go."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.usage import HERE, Meter, cpu_seconds, here, memory

TICK = 0.02
"""Seconds: the kernel counts user and system time in hundredths each."""
BUSY = "import time\nwhile time.process_time() < {seconds}: pass\n"
IDLE = "import sys; print('ready', flush=True); sys.stdin.readline()\n"
RUNS = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}], check=True)\n"


@contextmanager
def running(code: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that has run the code and now waits for its end."""
    with subprocess.Popen(
        [sys.executable, "-c", code + IDLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.communicate("\n")


def test_a_process_has_used_what_it_worked() -> None:
    with running(BUSY.format(seconds=0.3)) as process:
        assert cpu_seconds("busy", process.pid) >= 0.3 - TICK


def test_what_a_child_used_that_has_ended_counts_for_its_parent() -> None:
    with running(RUNS.format(code=BUSY.format(seconds=0.4))) as process:
        assert cpu_seconds("server", process.pid) >= 0.4 - TICK


def test_what_a_child_of_a_child_uses_while_it_runs_counts_too() -> None:
    inner = BUSY.format(seconds=0.3) + IDLE
    middle = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {inner!r}], check=True)\n"
    pipes = "stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True"
    outer = f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {middle!r}], {pipes})\n"
    outer += "child.stdout.readline()\n"
    with running(outer) as process:
        assert cpu_seconds("server", process.pid) >= 0.3 - TICK


def test_only_what_is_used_from_its_creation_on_is_spent() -> None:
    with running(BUSY.format(seconds=0.3)) as process:
        assert Meter({"busy": process.pid}).seconds()["busy"] < 0.1


def test_processor_time_is_shared_among_the_operations_in_microseconds() -> None:
    before = time.process_time()
    meter = Meter(here())
    begun = time.process_time()
    while time.process_time() < begun + 0.2:
        pass
    figures = meter.rate("loops", 1_000)
    assert 200 <= figures[f"loops, CPU {HERE}"] <= 1_000 * (time.process_time() - before)
    assert figures["loops, CPU"] == figures[f"loops, CPU {HERE}"]
    assert figures["loops"] == pytest.approx(1_000 / figures["loops, took"])


def test_this_process_counts_without_its_children() -> None:
    meter = Meter(here())
    subprocess.run([sys.executable, "-c", BUSY.format(seconds=0.3)], check=True)
    assert meter.seconds()[HERE] < 0.2


def test_a_process_that_ended_is_named() -> None:
    with running("") as process:
        meter = Meter({"kafka": process.pid})
    with pytest.raises(RuntimeError, match=r"kafka .* ended while it was measured"):
        meter.seconds()


def test_memory_is_that_of_a_process_with_its_children() -> None:
    with running("") as small, running("kept = bytearray(30 * 2**20)\n") as large:
        used = memory({"small": small.pid, "large": large.pid})
    assert used["large"] - used["small"] > 25
