"""Without the commit of the previous release, as in a shallow clone, the error names the command that fetches it."""

import subprocess
from pathlib import Path

import pytest

from support.cluster.release import ROOT, NoRelease, previous_release


def test_a_shallow_clone_gets_an_error_that_names_the_file_and_the_command(tmp_path: Path) -> None:
    clone = ["git", "clone", "--quiet", "--depth", "1", "--no-checkout", f"file://{ROOT}", str(tmp_path)]
    subprocess.run(clone, check=True, capture_output=True)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "previous-release").write_text("0" * 39 + "1\n")
    with (
        pytest.raises(NoRelease, match=r"deploy/previous-release names the commit 0.* git fetch --unshallow"),
        previous_release(tmp_path),
    ):
        pass
