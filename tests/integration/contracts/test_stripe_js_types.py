"""The card page's calls to Stripe.js, and the members of the stand-in, against the types that Stripe publishes."""

import shutil
import subprocess
from pathlib import Path

import pytest
from integration.contracts.test_examples import missing_tools

from payments.adapters.card_page.files import FOLDER
from support.stripe_js.stand_in import SITE

TYPES = SITE.parent / "types"
WRONG = {
    'redirect: "if_required"': 'redirect: "sometimes"',
    'create("payment", {': 'create("payments", {',
    ".handleNextAction({ clientSecret: secret })": ".handleNextAction({ secret })",
    "elements.update(": "elements.change(",
}
"""A call of our script -> one that Stripe.js does not have."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Stripe's types, as the lock file names them."""
    if reason := missing_tools():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("stripe") / "types"
    shutil.copytree(TYPES, folder, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(SITE / "stripe.js", folder / "stand_in.js")
    words = ["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def mistakes(project: Path, script: str) -> list[str]:
    (project / "stripe.js").write_text(script)
    done = subprocess.run(["npm", "run", "--silent", "check"], cwd=project, capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if " error " in line]


def test_every_call_has_the_types_that_stripe_publishes_and_another_one_is_found(project: Path) -> None:
    script = (FOLDER / "stripe.js").read_text()
    assert mistakes(project, script) == []
    wrong = script
    for call, other in WRONG.items():
        assert script.count(call) == 1
        wrong = wrong.replace(call, other)
    lines = {script[: script.index(call)].count("\n") + 1 for call in WRONG}
    reported = mistakes(project, wrong)
    assert {line for line in lines if any(each.startswith(f"stripe.js({line},") for each in reported)} == lines, reported
