"""Variables and options of portalctl have types and bounds. All errors are reported together, with code 2."""

from pathlib import Path

import pytest
from typer.testing import Result

from chassis.service.settings import SettingsError, read_settings
from portalctl.settings import Settings
from support import portalctl_command
from support.settings import WRONG_KAFKA_SECURITY

CANARY = "canary-that-may-not-be-shown"
POSTGRES = (
    "nonsense",
    CANARY,
    "mysql://u@h/d",
    "postgresql://",
    f"postgresql://u:{CANARY}@h:0/d",
    f"postgresql://u:{CANARY} @h/d",
)
WRONG = {
    "KAFKA_BOOTSTRAP_SERVERS": ("broker", "broker:0", "one:1,,two:2", "http://one:1"),
    **WRONG_KAFKA_SECURITY,
    "PORTAL_POSTGRES_URL": POSTGRES,
    "PORTAL_DEADLINE_SECONDS": ("x", "-1", "0", "4", "86401", "nan", "inf", "1e999"),
    "PORTAL_WAL_ARCHIVE": ("archive", "/a'b", "/a%b", "/a\nb"),
    "REPLICATION": ("x", "0", "-1", "101", "1.5", "nan"),
    "SUBSCRIPTIONS_DATABASE_URL": (*POSTGRES, "postgresql://u@h"),
    "PAYMENTS_DATABASE_URL": POSTGRES,
    "INVOICING_DATABASE_URL": POSTGRES,
    "PORTAL_GATEWAY_DATABASE_URL": POSTGRES,
}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in WRONG:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def problems() -> list[str]:
    try:
        read_settings(Settings)
    except SettingsError as error:
        return error.problems
    return []


def test_the_table_has_every_variable() -> None:
    assert {name.upper() for name in Settings.model_fields} == WRONG.keys()


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_reported_with_the_variable_and_the_expected_type(variables: pytest.MonkeyPatch, name: str) -> None:
    for value in WRONG[name]:
        variables.setenv(name, value)
        (sentence,) = problems()
        assert sentence.startswith(f"{name} "), value
        assert "; expected " in sentence
        assert CANARY not in sentence


@pytest.mark.parametrize("name", WRONG)
def test_an_empty_or_absent_variable_is_not_set(variables: pytest.MonkeyPatch, name: str) -> None:
    assert problems() == []
    variables.setenv(name, "")
    assert problems() == []


def portalctl(folder: Path, *words: str) -> Result:
    return portalctl_command.portalctl("--folder", str(folder), *words)


COMMANDS = (["up"], ["demo"], ["migrate"], ["verify"], ["topics", "diff"], ["topics", "apply"], ["supervise"])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_reports_all_errors_with_code_2(variables: pytest.MonkeyPatch, tmp_path: Path, command: list[str]) -> None:
    for name, values in WRONG.items():
        variables.setenv(name, values[0])
    ended = portalctl(tmp_path, *command)
    assert ended.exit_code == 2
    assert [line.split()[1] for line in ended.stderr.splitlines()] == [name.upper() for name in Settings.model_fields]
    assert list(tmp_path.iterdir()) == []


KEY = f"sk_test_{'k' * 43}"
OPTIONS = {
    "patience": ["verify", "--patience", "nan"],
    "endless patience": ["verify", "--patience", "inf"],
    "negative patience": ["verify", "--patience", "-1"],
    "limit": ["verify", "--limit", "-1"],
    "days": ["verify", "--provider", "--days", "0"],
    "servers": ["topics", "diff", "--kafka", "broker"],
    "no servers": ["topics", "apply", "--kafka", ""],
    "servers to verify": ["verify", "--kafka", "one:1,,two:2"],
    "kind": ["links", "create", "--customer", "c", "--kind", "eternal"],
    "seconds": ["links", "create", "--customer", "c", "--expires-in", "0"],
    "url": ["links", "create", "--customer", "c", "--api-key", KEY, "--url", "nonsense"],
    "url to revoke": ["links", "revoke", "--customer", "c", "--api-key", KEY, "--url", "ftp://host"],
    "key": ["links", "create", "--customer", "c", "--api-key", f"{CANARY}é"],
    "command": ["start"],
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_wrong_option_ends_with_2_and_without_a_traceback(variables: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    ended = portalctl(tmp_path, *OPTIONS[name])
    assert ended.exit_code == 2
    assert "Traceback" not in ended.stderr
    assert CANARY not in ended.stderr
