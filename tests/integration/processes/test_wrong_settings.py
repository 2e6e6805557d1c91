"""With wrong settings a service ends at once, with code 2 and a message for each setting, without traceback or secret."""

import os
import subprocess
import sys

import pytest

from portalctl.service_settings import SETTINGS
from support.settings import GOOD, MAY_BE_EMPTY

CANARY = "canary-that-may-not-be-shown"


def ran(service: str, command: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", service.replace("-", "_"), command]
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", ["serve", "migrate"])
@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_reports_all_wrong_settings_with_code_2(service: str, command: str) -> None:
    secret = {name: f"{CANARY}\n" for name in GOOD if "KEY" in name or name in ("DATABASE_URL", "LINK_PEPPER")}
    ended = ran(service, command, dict.fromkeys(GOOD, "") | secret)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert CANARY not in ended.stderr
    lines = ended.stderr.splitlines()
    expected = [name.upper() for name in SETTINGS[service].model_fields if name.upper() not in MAY_BE_EMPTY - secret.keys()]
    assert [line.split()[1] for line in lines] == expected
    assert all(line.startswith(f"{service}: ") and "; expected " in line for line in lines)


def test_a_service_without_settings_names_the_required_ones() -> None:
    ended = ran("payments", "migrate", {})
    named = {line.split()[1] for line in ended.stderr.splitlines()}
    assert ended.returncode == 2
    assert {"DATABASE_URL", "DATABASE_OWNER_URL", "HTTP_PORT", "CURSOR_KEY", "CARDS_URL"} <= named
    assert "Traceback" not in ended.stderr
