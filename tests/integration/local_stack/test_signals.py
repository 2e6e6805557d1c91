"""Programs stop on a signal also when they inherit it as ignored, as from a shell's background job, nohup or a CI runner."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.local_stack import LocalStack, local_stack
from support.processes import IGNORING

STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with local_stack() as stack:
        yield stack


@pytest.mark.parametrize("number", STOP)
def test_an_up_that_inherits_ignored_signals_stops_everything_on_each_of_them(stack: LocalStack, number: signal.Signals) -> None:
    with stack.up_in_front(*IGNORING) as process:
        process.send_signal(number)
        assert process.wait(60) == 0
    assert stack.left == []


def test_a_detached_stack_that_inherits_ignored_signals_is_taken_down_without_force(stack: LocalStack) -> None:
    assert stack.up(before=IGNORING).returncode == 0
    assert stack.portalctl("down").stdout == "stopped\n"
    assert stack.left == []
    log = stack.folder.log("supervisor").read_text()
    assert "was killed" not in log


_PROGRAM = """
import signal, subprocess
from portalctl.local.programs import tied_command
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
subprocess.run(tied_command(["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"], signal.SIGKILL), check=True)
"""


def test_a_child_ignores_and_blocks_nothing_that_its_parent_does() -> None:
    command = [*IGNORING, sys.executable, "-c", _PROGRAM]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    blocked, ignored = (int(line.split()[1], 16) for line in shown.splitlines())
    assert blocked == 0
    assert not any(ignored & 1 << number - 1 for number in STOP)
