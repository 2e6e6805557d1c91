"""`portalctl secrets` writes the secrets of a deployment as files, one folder for each reader."""

import json
from pathlib import Path

import pytest

from chassis.service.settings import read_settings
from portalctl.service_settings import SETTINGS
from portalctl.settings import Settings
from support.portalctl_command import portalctl
from support.settings import GOOD


def written(folder: Path, to: Path) -> dict[str, str]:
    """The files by their path below `to`."""
    ended = portalctl("--folder", str(folder), "secrets", str(to), "--postgres", "db:5432")
    assert ended.exit_code == 0, ended.output
    return {path.relative_to(to).as_posix(): path.read_text() for path in sorted(to.rglob("*")) if path.is_file()}


def test_later_calls_write_the_same_secrets(tmp_path: Path) -> None:
    files = written(tmp_path / "state", tmp_path / "first")
    assert files == written(tmp_path / "state", tmp_path / "second") == written(tmp_path / "state", tmp_path / "first")
    assert files != written(tmp_path / "another", tmp_path / "third")


def test_only_the_owner_can_read_a_file(tmp_path: Path) -> None:
    written(tmp_path / "state", tmp_path / "files")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "files").rglob("*") if path.is_file()} == {0o400}
    folders = [tmp_path / "files", *(path for path in (tmp_path / "files").rglob("*") if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_starts_with_its_files_and_gets_no_other_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: str
) -> None:
    files = written(tmp_path / "state", tmp_path / "files")
    own = {name.removeprefix(f"{service}/"): value for name, value in files.items() if name.startswith(f"{service}/")}
    for name, value in GOOD.items():
        if name not in own and name != "DATABASE_OWNER_URL":
            monkeypatch.setenv(name, value)
    for name in own:
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "files" / service / name))
    settings = read_settings(SETTINGS[service])
    assert settings.database_url.get_secret_value() == own["DATABASE_URL"]
    assert settings.database_owner_url is None
    assert json.loads(own["SERVICE_PRIVATE_KEY"])["kid"] == f"{service}/1"
    assert own.keys() <= {name.upper() for name in SETTINGS[service].model_fields}
    others = {value for name, value in files.items() if not name.startswith(f"{service}/")}
    shared = {"SERVICE_PUBLIC_KEYS", "OPERATOR_KEY_SHA256", "CURSOR_KEY", "KEY_ENCRYPTION_KEY"}
    assert not others & {value for name, value in own.items() if name not in shared}


def test_portalctl_reaches_every_database_with_its_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = written(tmp_path / "state", tmp_path / "files")
    for name in ("PORTAL_POSTGRES_URL", "PAYMENTS_DATABASE_URL"):
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "files/portalctl" / name))
    settings = read_settings(Settings)
    assert settings.portal_postgres_url
    assert (
        settings.portal_postgres_url.get_secret_value()
        == f"postgresql://postgres:{files['postgres/POSTGRES_PASSWORD']}@db:5432/postgres"
    )
    assert settings.payments_database_url
    assert settings.payments_database_url.get_secret_value().startswith("postgresql://payments_owner:")
