"""The release before this one: the commit that `deploy/previous-release` names, checked out with an environment of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[3]
_NAME = "deploy/previous-release"


class NoRelease(Exception):
    """The commit of the previous release is not in this clone."""


@dataclass(frozen=True)
class Release:
    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / ".venv" / "bin" / "python")


@contextmanager
def previous_release(root: Path = ROOT) -> Iterator[Release]:
    """Raises NoRelease, and CalledProcessError with the output of a step that failed."""
    commit = (root / _NAME).read_text().strip()
    if _git(root, "cat-file", "-e", f"{commit}^{{commit}}").returncode != 0:
        raise NoRelease(
            f"{_NAME} names the commit {commit}, which this clone does not have. In a shallow clone run: git fetch --unshallow"
        )
    with TemporaryDirectory(prefix="previous-release-") as name:
        Path(name).chmod(0o711)  # PostgreSQL of root may run as the user `nobody`
        folder = Path(name) / "release"
        _git(root, "worktree", "add", "--detach", str(folder), commit).check_returncode()
        try:
            subprocess.run(["make", "-C", str(folder), ".venv/ready"], check=True, capture_output=True, text=True)
            yield Release(folder)
        finally:
            _git(root, "worktree", "remove", "--force", str(folder))


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
