"""The output of `make contracts` is committed."""

from pathlib import Path

import pytest

from contract_documents.files import ASYNCAPI, PAGE
from contract_documents.generated import PUBLISHED, breaking, documents, new_samples, stale

WRITTEN = [*PUBLISHED, ASYNCAPI, PAGE]


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    return documents()


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_the_committed_files_are_current(path: Path, texts: dict[Path, str]) -> None:
    # Another test refuses breaking changes; they must not be generated.
    if not breaking(path) and (sentence := stale(path, texts[path])):
        pytest.fail(sentence, pytrace=False)


def test_every_event_and_every_field_has_a_sample() -> None:
    if sentences := [str(stale(path, text)) for path, text in new_samples().items()]:
        pytest.fail("\n".join(sentences), pytrace=False)


def test_a_stale_file_names_the_command_that_writes_it() -> None:
    assert stale(ASYNCAPI, "") == (
        "contracts/asyncapi.yaml is not what the code generates: run `make contracts` and commit what it writes."
    )
