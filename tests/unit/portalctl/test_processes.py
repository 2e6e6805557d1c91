"""Identities of processes, and the environment of children."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from portalctl.local.identity import Identity
from portalctl.local.programs import child_environment


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def identity_of(process: subprocess.Popen[bytes]) -> Identity:
    identity = Identity.of(process.pid)
    assert identity is not None
    return identity


def test_a_running_process_is_recognised_from_its_record(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper)
    assert Identity.parse(identity.record()) == identity
    assert identity.running


def test_a_zombie_is_not_running(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.running
    assert not identity.send(signal.SIGTERM)


def test_a_reused_number_is_another_process(sleeper: subprocess.Popen[bytes]) -> None:
    earlier = replace(identity_of(sleeper), started="1")
    assert not earlier.running
    assert not earlier.send(signal.SIGKILL)
    assert sleeper.poll() is None


def test_a_number_of_an_earlier_boot_is_another_process(sleeper: subprocess.Popen[bytes]) -> None:
    assert not replace(identity_of(sleeper), boot="another").running


def test_a_signal_reaches_its_process(sleeper: subprocess.Popen[bytes]) -> None:
    assert identity_of(sleeper).send(signal.SIGTERM)
    assert sleeper.wait(10) == -signal.SIGTERM


def test_children_get_allowed_variables_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANG", "PGSSLMODE", "HTTP_PROXY", "JAVA_TOOL_OPTIONS", "PYTHONPATH"):
        monkeypatch.setenv(name, "something")
    monkeypatch.setenv("TZ", "UTC")
    variables = child_environment({"HTTP_PORT": "1"})
    assert variables["HTTP_PORT"] == "1"
    assert variables["TZ"] == "UTC"
    assert set(variables) <= {"PATH", "HOME", "TMPDIR", "TZ", "HTTP_PORT"}


_PARENT = """
import signal, subprocess
from portalctl.local.programs import tied_command
child = subprocess.Popen(tied_command(["sleep", "60"], signal.SIGKILL))
print(child.pid, flush=True)
child.wait()
"""


def test_a_child_ends_with_its_parent_after_any_end() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = Identity.of(int(parent.stdout.readline()))
        assert child is not None
        parent.kill()
    deadline = time.monotonic() + 20
    while child.running and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not child.running
