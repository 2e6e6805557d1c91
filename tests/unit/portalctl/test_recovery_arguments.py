"""Wrong arguments of the recovery commands end with code 2 and a sentence with what is expected. Nothing is changed."""

from pathlib import Path
from uuid import UUID

import pytest

from support.portalctl_command import portalctl

MERCHANT = str(UUID(int=1))
RELEASE = ("blocked", "release")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("backup", "new"), "expected --with-secrets, or --without-secrets"),
        (("backup", "existing", "--with-secrets"), "expected the name of a new folder"),
        (("restore", "existing", "--to", "2026-01-01T00:00:00"), "expected a time as 2026-03-01T12:00:00Z"),
        (("restore", "existing", "--to", "one", "--to", "two"), "expected one time and one folder at most"),
        (("reconcile", "--report", "report.txt"), "expected the name of a file that ends with .json"),
        (("reconcile", "--report", "existing/report.json"), "expected the name of a new file"),
        (("reconcile", "--report", "missing/report.json"), "expected a file in an existing folder"),
        ((*RELEASE, "portal-gateway", "x-1", "--merchant", MERCHANT, "--reason", "r"), "expected subscriptions, payments"),
        ((*RELEASE, "payments", "x-1", "--merchant", MERCHANT, "--reason", " "), "expected a text that explains"),
        ((*RELEASE, "payments", "x-1", "--merchant", MERCHANT, "--reason", "card 4242 4242 4242 4242"), "a text without one"),
        ((*RELEASE, "payments", "x-1", "--merchant", "x", "--reason", "r"), "valid UUID"),
    ],
)
def test_a_wrong_argument_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "existing").mkdir()
    (tmp_path / "existing" / "report.json").touch()
    ended = portalctl("--folder", str(tmp_path / "portal"), *words)
    assert ended.exit_code == 2, ended.output
    assert expected in " ".join(ended.output.replace("│", "").split())
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["existing", "report.json"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("backup", "new", "--with-secrets"), "no stack was started here"),
        (("restore", "empty", "--yes"), "is no backup"),
        (("reconcile", "--yes"), "no stack was started in"),
        (("topics", "refill", "--yes"), "no stack was started in"),
        (("blocked", "list"), "no stack was started in"),
    ],
)
def test_without_servers_the_command_fails_with_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    ended = portalctl("--folder", str(tmp_path / "portal"), *words)
    assert ended.exit_code == 1, ended.output
    assert expected in " ".join(ended.output.split())
