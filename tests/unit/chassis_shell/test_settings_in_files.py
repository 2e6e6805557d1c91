"""A setting may be in a file, which `<NAME>_FILE` names."""

from pathlib import Path

import pytest

from chassis.service.settings import ServiceSettings, SettingsError, read_settings
from support.settings import GOOD

CANARY = "canary-that-may-not-be-shown"


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def problems(*required: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_settings(ServiceSettings, *required)
    return caught.value.problems


@pytest.mark.parametrize("name", ["DATABASE_URL", "CURSOR_KEY", "SERVICE_PUBLIC_KEYS", "HTTP_PORT"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_value_comes_from_the_named_file(variables: pytest.MonkeyPatch, tmp_path: Path, name: str, end: str) -> None:
    expected = read_settings(ServiceSettings)
    variables.delenv(name)
    (tmp_path / "value").write_text(GOOD[name] + end)
    variables.setenv(f"{name}_FILE", str(tmp_path / "value"))
    assert read_settings(ServiceSettings) == expected


def test_a_required_setting_may_be_in_a_file(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables.delenv("DATABASE_OWNER_URL")
    (tmp_path / "url").write_text(GOOD["DATABASE_OWNER_URL"])
    variables.setenv("DATABASE_OWNER_URL_FILE", str(tmp_path / "url"))
    assert read_settings(ServiceSettings, "database_owner_url").database_owner_url is not None


def test_a_value_and_a_file_contradict_each_other(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(GOOD["CURSOR_KEY"])
    variables.setenv("CURSOR_KEY_FILE", str(tmp_path / "key"))
    assert problems() == ["CURSOR_KEY and CURSOR_KEY_FILE are both set; expected one of them"]


def test_a_file_that_cannot_be_read_is_named_by_its_variable(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("CURSOR_KEY", "HTTP_PORT"):
        variables.delenv(name)
    for path in (tmp_path / "missing", tmp_path, tmp_path / "binary"):
        variables.setenv("CURSOR_KEY_FILE", str(path))
        variables.setenv("HTTP_PORT_FILE", str(path))
        port, key = problems()
        assert key.startswith("CURSOR_KEY_FILE names a file that cannot be read; expected ")
        assert port.startswith(f"HTTP_PORT_FILE names a file {str(path)!r} that cannot be read; expected ")


def test_neither_a_file_with_a_wrong_value_nor_a_value_in_place_of_the_file_is_shown(
    variables: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variables.delenv("DATABASE_URL")
    (tmp_path / "url").write_text(f"postgresql://user:{CANARY}@")
    for value in (str(tmp_path / "url"), f"postgresql://user:{CANARY}@host/database"):
        variables.setenv("DATABASE_URL_FILE", value)
        (sentence,) = problems()
        assert CANARY not in sentence
        assert "DATABASE_URL" in sentence


def test_an_empty_variable_names_no_file(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("DATABASE_URL_FILE", "")
    assert read_settings(ServiceSettings)
