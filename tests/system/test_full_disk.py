"""The disk is full for a while: the stack reports it, recovers when there is room, and loses or repeats nothing.

A small file system of the test's own needs root or permission for user namespaces. Where neither is given, the stack's
processes are kept from writing by a limit on the size of files instead, which anyone may set: the same failures, another errno.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

_SCENARIO = Path(__file__).parents[1] / "support" / "full_disk" / "scenario.py"
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


def permitted() -> bool:
    with tempfile.TemporaryDirectory() as place:
        command = [*_NAMESPACE, "mount", "-t", "tmpfs", "none", place]
        try:
            return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
        except FileNotFoundError:
            return False


KINDS = ["tmpfs"] if permitted() else ["limit"]


@pytest.fixture(params=KINDS)
def observations(request: pytest.FixtureRequest) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="customer-portal-") as place:
        Path(place).chmod(0o711)
        command = [*(_NAMESPACE if request.param == "tmpfs" else ()), sys.executable, str(_SCENARIO), place, request.param]
        environment = {**os.environ, "PYTHONPATH": str(_SCENARIO.parents[2])}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert ended.returncode == 0, ended.stderr[-4000:]
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


@pytest.mark.timeout(560)
def test_a_full_disk_is_reported_and_nothing_is_lost(observations: dict[str, Any]) -> None:
    reports = [report for code, report in observations["while_full"] if code == 1]
    assert any("processes.json" in report and "cannot write it" in report for report in reports), observations["while_full"]
    if KINDS == ["tmpfs"]:
        assert any("cannot be written: No space left on device" in report for report in reports), observations["while_full"]
    returncode, report, problems = observations["verified"]
    assert (returncode, problems) == (0, ""), report
    events = int(report.splitlines()[-1].split()[0])
    assert events > observations["events_before"] > 0
