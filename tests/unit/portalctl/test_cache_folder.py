"""Where downloads are kept."""

from pathlib import Path

import pytest

from portalctl.local.errors import StackError
from portalctl.local.jars import cache_folder, locked_jars


def test_the_users_own_choice_comes_first(tmp_path: Path) -> None:
    found = cache_folder({"XDG_CACHE_HOME": str(tmp_path / "x"), "HOME": str(tmp_path / "h")}, beside=tmp_path)
    assert found == tmp_path / "x" / "customer-portal"


def test_a_home_that_cannot_be_written_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "h").touch()
    found = cache_folder({"HOME": str(tmp_path / "h")}, beside=tmp_path / "project")
    assert found == tmp_path / "project" / ".cache" / "customer-portal"


def test_when_nothing_can_be_written_the_places_tried_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="set XDG_CACHE_HOME"):
        cache_folder({}, beside=tmp_path / "file")


def test_every_locked_jar_has_a_checksum_and_a_name_of_its_own() -> None:
    jars = locked_jars()
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert len({jar.name for jar in jars}) == len(jars)
