"""`portalctl env`: the settings of a service for a shell."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import Result

from portalctl.local.databases import Role, url_of
from portalctl.service_settings import SETTINGS
from support.portalctl_command import portalctl

# In single quotes a shell must expand nothing of it.
POSTGRES = "postgresql://admin:secret@db:5432/postgres?application_name=o'hara$(id)`id`"
ROLE = Role("service", "p@ss")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PORTAL_POSTGRES_URL", POSTGRES)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "one:9092,two:9092")
    return tmp_path / "kept"


def env(folder: Path, *words: str) -> Result:
    return portalctl("--folder", str(folder), "env", *words)


@pytest.mark.parametrize("service", SETTINGS)
def test_a_shell_gets_every_setting_of_the_service(folder: Path, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "env").write_text(env(folder, service).stdout)
    script = f". ./env; {sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    read = subprocess.run(["bash", "-c", script], cwd=folder.parent, env={}, capture_output=True, text=True, check=True)
    variables = json.loads(read.stdout)
    assert variables["DATABASE_URL"].endswith("?application_name=o'hara$(id)`id`")
    assert urlsplit(variables["DATABASE_URL"]).username == service.replace("-", "_")
    assert "secret" not in variables["DATABASE_URL"]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = SETTINGS[service]()  # type: ignore[call-arg]  # from the environment
    assert settings.kafka_bootstrap_servers == "one:9092,two:9092"


@pytest.mark.parametrize("service", SETTINGS)
def test_each_setting_has_a_description(folder: Path, service: str) -> None:
    lines = env(folder, service).stdout.splitlines()
    assert all(line.startswith("# ") and len(line) > 10 for line in lines[::2])
    assert all(line.startswith("export ") for line in lines[1::2])


def test_a_second_call_prints_the_same_from_private_files(folder: Path) -> None:
    words = [["subscriptions"], ["operator"], ["subscriptions", "--sql"], ["payments"]]
    first = [env(folder, *each).stdout for each in words]
    assert [env(folder, *each).stdout for each in words] == first
    assert len(set(first)) == len(words)
    secrets_file = folder / "secrets.json"
    assert stat.S_IMODE(secrets_file.stat().st_mode) == 0o600
    key = json.loads(secrets_file.read_text())["operator_key"]
    assert [key in shown for shown in first] == [False, True, False, False], "a service needs the key's digest only"


def test_no_service_gets_the_keys_of_another(folder: Path) -> None:
    shown = {service: env(folder, service).stdout for service in SETTINGS}
    secrets = json.loads((folder / "secrets.json").read_text())
    for service, jwk in secrets["services"].items():
        assert [name for name, text in shown.items() if jwk["d"] in text] == [service]
    for role, password in secrets["passwords"].items():
        expected = [] if role == "postgres" else [role.removesuffix("_owner").replace("_", "-")]
        assert [name for name, text in shown.items() if password in text] == expected


@pytest.mark.parametrize(
    ("words", "variables", "sentences"),
    [
        (["accounts"], {}, ["the service 'accounts' is unknown; expected subscriptions, payments, invoicing, portal-gateway or"]),
        (["operator", "--sql"], {}, ["the operator has no database"]),
        (["payments"], {"PORTAL_POSTGRES_URL": None}, ["PORTAL_POSTGRES_URL is not set; expected a URL"]),
        (["payments"], {"KAFKA_BOOTSTRAP_SERVERS": ""}, ["KAFKA_BOOTSTRAP_SERVERS is empty; expected Kafka servers"]),
        (["payments"], {"PORTAL_POSTGRES_URL": "mysql://u:canary@h"}, ["PORTAL_POSTGRES_URL does not begin with postgresql://"]),
        (
            ["payments"],
            {"PORTAL_POSTGRES_URL": None, "KAFKA_BOOTSTRAP_SERVERS": "one"},
            ["PORTAL_POSTGRES_URL is not set", "KAFKA_BOOTSTRAP_SERVERS is 'one'"],
        ),
    ],
)
def test_bad_input_is_reported_with_code_2_and_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], variables: dict[str, str | None], sentences: list[str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value) if value is not None else monkeypatch.delenv(name)
    ended = env(folder, *words)
    assert (ended.exit_code, ended.stdout) == (2, "")
    lines = sorted(ended.stderr.splitlines())
    assert len(lines) == len(sentences)
    assert all(any(f"portalctl: {sentence}" in line for line in lines) for sentence in sentences), lines
    assert "canary" not in ended.stderr
    assert not folder.exists()


@pytest.mark.parametrize(
    ("administrator", "expected"),
    [
        ("postgresql://admin:x@db/postgres", "postgresql://service:p%40ss@db/own"),
        ("postgresql://db", "postgresql://service:p%40ss@db/own"),
        ("postgresql://db/x?user=admin&password=x&sslmode=require", "postgresql://service:p%40ss@db/own?sslmode=require"),
        ("postgresql://a,b/x?dbname=x&target_session_attrs=any", "postgresql://service:p%40ss@a,b/own?target_session_attrs=any"),
        ("postgresql:///x?host=/run/pg&user=admin", "postgresql://service:p%40ss@/own?host=/run/pg"),
    ],
)
def test_a_services_url_has_no_part_of_the_administrators_login(administrator: str, expected: str) -> None:
    assert url_of(administrator, "own", ROLE) == expected
