"""Programs stop on a signal even if they inherit it as ignored, for example from nohup or a CI runner."""

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
def test_up_stops_on_each_signal_that_it_inherits_as_ignored(
    stack: LocalStack, elsewhere: dict[str, str], number: signal.Signals
) -> None:
    with stack.up_in_front(*IGNORING, environment=elsewhere) as process:
        process.send_signal(number)
        assert process.wait(60) == 0
    assert stack.left == []


_PROGRAM = """
import signal, subprocess
from portalctl.local.programs import tied_command
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
subprocess.run(tied_command(["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"], signal.SIGKILL), check=True)
"""


def test_a_child_inherits_no_ignored_or_blocked_signal() -> None:
    command = [*IGNORING, sys.executable, "-c", _PROGRAM]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    blocked, ignored = (int(line.split()[1], 16) for line in shown.splitlines())
    assert blocked == 0
    assert not any(ignored & 1 << number - 1 for number in STOP)
