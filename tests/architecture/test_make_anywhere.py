"""`make` works in a folder of any name, and never with the environment of another folder."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEMBERS = ("contracts", "chassis", "presentation", "services/subscriptions", "services/payments", "services/invoicing")
TOOLS = ("ruff", "mypy", "lint-imports", "python", "deptry")
STAND_IN = '#!/bin/sh\nprintf "%s|%s\\n" "$PWD" "${0##*/}" >> "$CALLS"\n'
NAMES = ("with a space", "josé", "a,b", "back\\slash", "100% (copia)", "$HOME 'q' & #;")


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The Makefile with stand-ins for the tools, which write down where they are called."""
    root = tmp_path / str(request.param)
    (root / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", root)
    for member in (*MEMBERS, "services/portal-gateway", "deploy"):
        (root / member).mkdir(parents=True)
        (root / member / "pyproject.toml").touch()
    for name in ("bootstrap.lock", "requirements.lock", "members.txt", "pyproject.toml"):
        (root / name).touch()
    for tool in TOOLS:
        path = root / ".venv" / "bin" / tool
        path.write_text(STAND_IN)
        path.chmod(0o755)
    (root / "elsewhere" / "deploy").mkdir(parents=True)
    (root / ".venv" / "ready").write_text(f"{root.resolve()}\n")
    return root


def make(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "CDPATH": str(root / "elsewhere"), "CALLS": str(root / "calls")}
    return subprocess.run(["make", *words], cwd=root, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("project", NAMES, indirect=True)
def test_every_check_runs_in_a_folder_of_any_name(project: Path) -> None:
    ended = make(project, "check")
    assert (ended.returncode, ended.stderr) == (0, "")
    calls = [line.split("|") for line in (project / "calls").read_text().splitlines()]
    before, after = ["python", "ruff", "ruff", "mypy", "lint-imports", "python"], ["python"]
    assert [tool for _, tool in calls] == [*before, *["deptry"] * 8, *after]
    here = [str(project / member) for member in (*MEMBERS, "services/portal-gateway", "deploy")]
    assert [folder for folder, tool in calls if tool == "deptry"] == here


@pytest.mark.parametrize("project", ["original"], indirect=True)
def test_a_copied_folder_gets_an_environment_of_its_own(project: Path) -> None:
    copy = project.with_name("copy")
    shutil.copytree(project, copy)
    assert "rm -rf .venv" not in make(project, "--dry-run", "check").stdout
    again = make(copy, "--dry-run", "check").stdout
    assert again.startswith("rm -rf .venv\n")
    assert "pip sync" in again
    make(copy, "stray")
    assert not (copy / ".venv").exists()
