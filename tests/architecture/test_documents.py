"""Every link, file, symbol and make target that a document names exists; a failure names the document and the line."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
SUFFIXES = "css|html|js|json|lock|md|otf|po|py|sql|toml|ttf|txt|typ|webp|yaml"
LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")
FILE = re.compile(rf"(?P<path>[\w.-]+(?:/[\w.-]+)*\.(?:{SUFFIXES}))(?::(?P<name>[A-Za-z_][\w.]*))?")
FOLDER = re.compile(r"[\w.-]+(?:/[\w.-]+)*/")
TOP = re.compile(r"(?:contracts|deploy|docs|services|tests)(?:/[\w.-]+)+/?")
"""A path from the root of the repository, also within a command."""
TARGET = re.compile(r"make ([a-z-]+)\b")

NOT_TRACKED = re.compile(r"\.portal/.*|bench\.json|state\.json|uv\.lock")
"""What commands write."""

LONGEST = {"README.md": 130, "services/*/README.md": 25, "deploy/README.md": 25}
"""Most lines of the documents that have to stay short."""


@cache
def tracked() -> tuple[str, ...]:
    """Paths of the repository, and their folders with a slash at the end."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [path for path in listed.stdout.splitlines() if (ROOT / path).exists()]
    folders = {f"{parent}/" for path in files for parent in Path(path).parents if parent != Path()}
    return (*files, *sorted(folders))


@cache
def named(path: str) -> tuple[str, ...]:
    """The paths of the repository that end with this one."""
    return tuple(each for each in tracked() if f"/{each}".endswith(f"/{path}"))


def exists(path: str) -> bool:
    return path in tracked() or f"{path.rstrip('/')}/" in tracked()


@cache
def text(path: str) -> str:
    return (ROOT / path).read_text(errors="replace")


@cache
def anchors(path: str) -> frozenset[str]:
    """The fragments of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text(path), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings)


def defines(path: str, name: str) -> bool:
    last = re.escape(name.rpartition(".")[2])
    if path.endswith(".sql"):
        return (
            re.search(rf"CREATE (?:TABLE|TYPE|FUNCTION|INDEX|UNIQUE INDEX) (?:IF NOT EXISTS )?{last}\b", text(path)) is not None
        )
    return (
        re.search(rf"^\s*(?:(?:async )?def|class) {last}\b|^\s*{last}(?::[^=\n]+)?\s*[:=]", text(path), re.MULTILINE) is not None
    )


def prose(document: str) -> Iterator[tuple[int, str]]:
    """The numbered lines outside of code blocks."""
    fenced = False
    for number, line in enumerate(text(document).splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith("    "):
            yield number, line


def broken_link(document: str, target: str) -> str | None:
    if re.match(r"[a-z]+:", target):
        return None
    path, _, fragment = unquote(target).partition("#")
    file = (ROOT / document).parent / path if path else ROOT / document
    if not file.exists():
        return f"no file {target}"
    relative = file.resolve().relative_to(ROOT).as_posix()
    return f"no heading {target}" if fragment and fragment not in anchors(relative) else None


def broken_name(code: str) -> str | None:
    """What is wrong with the file, folder or make target that a piece of code names; None when nothing is."""
    if (target := TARGET.match(code)) and not re.search(rf"^{target[1]}:", text("Makefile"), re.MULTILINE):
        return f"no target {code}"
    if NOT_TRACKED.fullmatch(code):
        return None
    if missing := [path for word in code.split() if TOP.fullmatch(path := word.rstrip(",;")) and not exists(path)]:
        return f"no {' '.join(missing)}"
    if FOLDER.fullmatch(code) and not named(code):
        return f"no folder {code}"
    if (reference := FILE.fullmatch(code)) is None:
        return None
    if not (files := named(reference["path"])):
        return f"no file {code}"
    if reference["name"] and not any(defines(file, reference["name"]) for file in files):
        return f"no {reference['name']} in {reference['path']}"
    return None


def problems(document: str) -> list[str]:
    sentences = []
    for number, line in prose(document):
        wrong = [broken_link(document, target) for target in LINK.findall(line)]
        wrong += [broken_name(code) for code in CODE.findall(line)]
        sentences += [f"{document}:{number}: {each}" for each in wrong if each]
    return sentences


def documents() -> list[str]:
    return [path for path in tracked() if path.endswith(".md")]


@pytest.mark.parametrize("document", documents())
def test_every_file_and_link_in_a_document_exists(document: str) -> None:
    assert problems(document) == []


@pytest.mark.parametrize("pattern", LONGEST)
def test_short_documents_stay_short(pattern: str) -> None:
    paths = sorted(ROOT.glob(pattern))
    assert paths
    assert [path.as_posix() for path in paths if len(path.read_text().splitlines()) > LONGEST[pattern]] == []


def test_every_service_has_a_readme() -> None:
    folders = [
        path.parent
        for path in (
            *(ROOT / "services").glob("*/pyproject.toml"),
            ROOT / "chassis/pyproject.toml",
            ROOT / "presentation/pyproject.toml",
        )
    ]
    assert [folder.name for folder in folders if not (folder / "README.md").exists()] == []


def test_every_decision_is_in_the_index() -> None:
    index = text("docs/decisions/README.md")
    records = sorted(path.name for path in (ROOT / "docs/decisions").glob("0*.md"))
    assert [name for name in records if f"]({name})" not in index] == []


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("chassis/no_such.py", "no file chassis/no_such.py"),
        ("outbox/relay.py:NoSuchClass", "no NoSuchClass in outbox/relay.py"),
        ("0001_writing.sql:no_such_table", "no no_such_table in 0001_writing.sql"),
        ("no_such_folder/", "no folder no_such_folder/"),
        ("make no-such-target", "no target make no-such-target"),
        ("python contracts/no_such.py --all", "no contracts/no_such.py"),
        ("tests/no_such_folder", "no tests/no_such_folder"),
    ],
)
def test_a_name_that_does_not_exist_is_reported(code: str, problem: str) -> None:
    assert broken_name(code) == problem


@pytest.mark.parametrize("code", ["outbox/relay.py:Relay", "0001_writing.sql:events", "deploy/", "make test", "x.y", "a/b"])
def test_a_name_that_exists_or_is_no_file_is_accepted(code: str) -> None:
    assert broken_name(code) is None


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("docs/no_such.md", "no file docs/no_such.md"),
        ("docs/outages.md#no-such-heading", "no heading docs/outages.md#no-such-heading"),
        ("docs/outages.md#responses", None),
        ("https://example.com/x", None),
    ],
)
def test_a_link_is_followed_to_its_heading(target: str, problem: str | None) -> None:
    assert broken_link("README.md", target) == problem
