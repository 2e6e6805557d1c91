"""The folder for downloads."""

from pathlib import Path

import pytest

from portalctl.local.errors import StackError
from portalctl.local.jars import cache_folder, locked_jars


def test_the_users_setting_takes_precedence(tmp_path: Path) -> None:
    folder = cache_folder({"XDG_CACHE_HOME": str(tmp_path / "x"), "HOME": str(tmp_path / "h")}, beside=tmp_path)
    assert folder == tmp_path / "x" / "customer-portal"


def test_an_unwritable_home_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "h").touch()
    folder = cache_folder({"HOME": str(tmp_path / "h")}, beside=tmp_path / "project")
    assert folder == tmp_path / "project" / ".cache" / "customer-portal"


def test_without_a_writable_folder_the_candidates_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="set XDG_CACHE_HOME"):
        cache_folder({}, beside=tmp_path / "file")


def test_every_locked_jar_has_a_checksum_and_a_unique_name() -> None:
    jars = locked_jars()
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert len({jar.name for jar in jars}) == len(jars)
