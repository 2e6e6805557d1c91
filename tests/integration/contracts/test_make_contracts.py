"""`make contracts` writes what a changed event needs, or refuses the change and writes nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from contract_documents.files import CONTRACTS


class Copy:
    """A copy of the contracts that tests may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "contracts"
        shutil.copytree(CONTRACTS, self.folder, ignore=shutil.ignore_patterns("node_modules", "__pycache__", "examples"))

    def change(self, module: str, before: str, after: str) -> None:
        path = self.folder / "src" / "billing_contracts" / module
        text = path.read_text()
        assert text.count(before) == 1
        path.write_text(text.replace(before, after))

    def make(self) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join([str(self.folder), str(self.folder / "src")])
        command = [sys.executable, "-m", "contract_documents"]
        environment = os.environ | {"PYTHONPATH": paths}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def content(self) -> dict[str, bytes]:
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


RENEWED = '    TYPE = "billing.subscriptions.SubscriptionRenewed.v1"\n'


def adding(field: str) -> Callable[[Copy], None]:
    return lambda copy: copy.change("subscriptions.py", RENEWED, f"{RENEWED}\n{field}\n")


def test_without_a_change_nothing_is_written(copy: Copy) -> None:
    before = copy.content()
    process = copy.make()
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    assert copy.content() == before


def test_an_optional_field_is_written_to_every_document(copy: Copy) -> None:
    adding('    seats: int = 1\n    """How many seats are paid."""')(copy)
    process = copy.make()
    assert process.returncode == 0, process.stderr
    event = "billing.subscriptions.SubscriptionRenewed.v1"
    assert set(process.stdout.split()) == {
        f"contracts/samples/{event}.2.json",
        f"contracts/schemas/{event}.json",
        "contracts/asyncapi.yaml",
        "contracts/events.html",
    }
    assert '"seats": 1' in (copy.folder / "samples" / f"{event}.2.json").read_text()
    for file in (f"schemas/{event}.json", "asyncapi.yaml", "events.html"):
        assert "How many seats are paid." in (copy.folder / file).read_text()
    assert copy.make().stdout == ""


def test_a_text_without_an_example_is_refused_and_nothing_is_written(copy: Copy) -> None:
    adding('    note: str | None = None\n    """A note."""')(copy)
    before = copy.content()
    process = copy.make()
    assert process.returncode == 1
    assert process.stderr == (
        "billing.subscriptions.SubscriptionRenewed.v1: `note` of SubscriptionRenewed needs an example: give it "
        "Field(examples=[…])\n"
    )
    assert copy.content() == before


def test_a_required_field_is_refused_in_one_sentence_and_nothing_is_written(copy: Copy) -> None:
    adding('    note: str\n    """A note."""')(copy)
    before = copy.content()
    process = copy.make()
    assert process.returncode == 1
    assert process.stderr == (
        "billing.subscriptions.SubscriptionRenewed.v1: data.note is new and required, which breaks its readers: keep published "
        "fields as they are and give new ones a default, or publish billing.subscriptions.SubscriptionRenewed.v2 beside it.\n"
    )
    assert copy.content() == before
