"""The committed catalogues have the messages of the code, with translations."""

from pathlib import Path

import pytest

from support.catalogue_faults import faults, messages
from support.catalogue_packages import OTHER_LANGUAGES, PACKAGES, ROOT, catalogue, copied, make


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages after `make catalogues`."""
    folder = copied(tmp_path_factory.mktemp("extracted"))
    result = make(folder, "catalogues")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
@pytest.mark.parametrize("package", PACKAGES)
def test_a_catalogue_translates_exactly_the_messages_of_the_code(extracted: Path, package: str, language: str) -> None:
    committed, of_code = catalogue(ROOT, package, language), catalogue(extracted, package, language)
    assert len(list(messages(of_code))) > 20
    assert faults(committed, of_code) == [], "run make catalogues, and translate"
