"""`portalctl demo --against`: settings are checked before anything is created."""

from pathlib import Path

import pytest
from typer.testing import Result

from portalctl.demo.deployed import DeployedSystem
from support.portalctl_command import portalctl

GOOD = {
    "SUBSCRIPTIONS_URL": "http://127.0.0.1:1",
    "PAYMENTS_URL": "http://127.0.0.1:1",
    "INVOICING_URL": "http://127.0.0.1:1",
    "PUBLIC_URL": "https://portal.example",
    "OPERATOR_KEY": "canary-that-may-not-be-shown",
}


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DeployedSystem.model_fields:
        # Set first, so that the values that the command adds are removed after the test.
        monkeypatch.setenv(name.upper(), "")
        monkeypatch.delenv(name.upper())


def run(tmp_path: Path, lines: dict[str, str] | str, *options: str, answer: str = "") -> Result:
    file = tmp_path / "system"
    file.write_text(lines if isinstance(lines, str) else "".join(f"{name}={value}\n" for name, value in lines.items()))
    folder = ["--folder", str(tmp_path / ".portal")]
    return portalctl(*folder, "demo", "--against", str(file), *options, confirm=answer)


@pytest.mark.parametrize("name", [*GOOD])
def test_a_missing_setting_is_named(tmp_path: Path, name: str) -> None:
    result = run(tmp_path, {other: value for other, value in GOOD.items() if other != name}, "--yes")
    assert result.exit_code == 2
    assert f"{name} is not set; expected " in result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUBSCRIPTIONS_URL", "subscriptions:8080"),
        ("PAYMENTS_URL", "ftp://payments"),
        ("INVOICING_URL", "invoicing"),
        ("PUBLIC_URL", "https://portal.example/page"),
        ("PORTAL_GATEWAY_URL", "portal-gateway"),
        ("SERVICES_CA_FILE", "/no/such/file"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_expected(tmp_path: Path, name: str, value: str) -> None:
    result = run(tmp_path, {**GOOD, name: value}, "--yes")
    assert result.exit_code == 2
    assert f"{name} is {value!r}" in result.stderr
    assert "; expected " in result.stderr
    assert GOOD["OPERATOR_KEY"] not in result.stderr


def test_a_line_that_is_no_setting_is_reported_without_its_text(tmp_path: Path) -> None:
    result = run(tmp_path, "# comment\n\nPUBLIC_URL=https://portal.example\ncanary-that-may-not-be-shown\n", "--yes")
    assert result.exit_code == 2
    assert "setting 2" in result.stderr
    assert "expected NAME=value" in result.stderr
    assert "canary" not in result.stderr


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    result = portalctl("--folder", str(tmp_path / ".portal"), "demo", "--against", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert "cannot be read; expected " in result.stderr


def test_nothing_is_created_without_confirmation(tmp_path: Path) -> None:
    result = run(tmp_path, GOOD, answer="n\n")
    assert result.exit_code == 1
    assert "https://portal.example" in result.stderr


def test_a_service_that_does_not_answer_is_named(tmp_path: Path) -> None:
    result = run(tmp_path, GOOD, "--yes")
    assert result.exit_code == 1
    assert "subscriptions does not answer POST /v1/merchants" in result.stderr
