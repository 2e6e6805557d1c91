"""Every dependency has a licence that allows what is done with it here."""

import json
import re
import tomllib
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

import pytest
from architecture.licences import EXCEPTIONS, JARS, SEPARATE, SPELLINGS, STATED_ELSEWHERE, is_allowed

ROOT = Path(__file__).parents[2]
LOCKS = ("bootstrap.lock", "requirements.lock", "requirements-bench.lock")
LOCKED = sorted(
    {
        re.sub(r"[-_.]+", "-", name.lower())
        for lock in LOCKS
        for name in re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==", (ROOT / lock).read_text(), re.MULTILINE)
    }
)
JAR_LOCKS = sorted(path for path in ROOT.glob("*/**/*-jars.lock") if ".venv" not in path.parts)
MEMBERS = [
    ROOT / "pyproject.toml",
    *(ROOT / line.split()[1] / "pyproject.toml" for line in (ROOT / "members.txt").read_text().splitlines()),
]


def field(package: PackageMetadata, name: str) -> str:
    values: list[str] = package.get_all(name) or [""]
    return values[0]


def stated(package: PackageMetadata) -> str:
    """The licence that the free-text fields of a package's metadata name, "" for none."""
    classifiers: list[str] = [
        each.rpartition(" :: ")[2] for each in package.get_all("Classifier") or () if each.startswith("License")
    ]
    if any("General Public License" in each for each in classifiers):
        return " ".join(classifiers)
    for licence in (field(package, "License"), *classifiers):
        if licence and is_allowed(name := SPELLINGS.get(licence, licence)):
            return name
    return field(package, "License") or " ".join(classifiers)


def licence_of(name: str) -> str:
    """The licence: the metadata's SPDX expression, else the table's entry, else the metadata's other fields."""
    try:
        package = metadata(name)
    except PackageNotFoundError:
        return STATED_ELSEWHERE.get(name, ("", ""))[0]
    return field(package, "License-Expression") or STATED_ELSEWHERE.get(name, (stated(package), ""))[0]


def refusal(name: str, licence: str) -> str | None:
    """Why a package may not be used; None when it may."""
    if name in EXCEPTIONS or is_allowed(licence):
        return None
    return f"{name}: {licence or 'states no licence: find it and write it into licences.py'}"


def test_every_locked_package_may_be_used() -> None:
    assert len(LOCKED) > 100
    assert [why for name in LOCKED if (why := refusal(name, licence_of(name)))] == []


def test_only_separate_programs_have_a_gpl_licence() -> None:
    gpl = {name for name, (licence, _) in EXCEPTIONS.items() if re.search(r"(?<!L)GPL", licence)}
    assert gpl <= SEPARATE
    assert not any("AGPL" in licence for licence, _ in EXCEPTIONS.values())


def test_the_tables_name_no_package_that_is_not_locked() -> None:
    assert sorted({*STATED_ELSEWHERE, *EXCEPTIONS} - set(LOCKED)) == []


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-or-later", "AGPL-3.0-only", "LGPL-2.1-only", "MIT AND GPL-2.0-only", "Proprietary", ""]
)
def test_other_licences_are_refused(licence: str) -> None:
    assert refusal("new-package", licence) is not None


@pytest.mark.parametrize("licence", ["MIT", "Apache-2.0 OR GPL-2.0-only", "MIT AND PSF-2.0", "MPL-2.0"])
def test_permissive_choices_are_accepted(licence: str) -> None:
    assert refusal("new-package", licence) is None


@pytest.mark.parametrize("lock", JAR_LOCKS, ids=lambda path: path.name)
def test_every_jar_may_be_used(lock: Path) -> None:
    groups = {line.partition(":")[0] for line in lock.read_text().splitlines()}
    licences = {group: next((JARS[each] for each in JARS if f"{group}.".startswith(f"{each}.")), "") for group in groups}
    assert [why for group, licence in sorted(licences.items()) if (why := refusal(group, licence))] == []


def test_every_npm_package_of_the_example_may_be_used() -> None:
    lock = json.loads((ROOT / "contracts/examples/typescript/package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert [why for name, package in packages.items() if (why := refusal(name, package.get("license", "")))] == []


@pytest.mark.parametrize("path", MEMBERS, ids=lambda path: path.parent.name)
def test_every_distribution_is_apache_licensed(path: Path) -> None:
    assert tomllib.loads(path.read_text())["project"]["license"] == "Apache-2.0"


def test_the_repository_has_the_licences_text() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.lstrip().startswith("Apache License\n                           Version 2.0, January 2004")
    assert "END OF TERMS AND CONDITIONS" in text


def test_every_third_party_file_of_the_notice_exists() -> None:
    named = re.findall(r"^  ((?:services|tests)/\S+)$", (ROOT / "NOTICE").read_text(), re.MULTILINE)
    assert len(named) == 4
    assert [path for path in named if not (ROOT / path).exists()] == []
