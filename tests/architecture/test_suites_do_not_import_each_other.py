"""Each test suite can be run, moved and deleted alone: code that two suites need is in tests/support."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SUPPORT = "support"
SUITES = frozenset(folder.name for folder in TESTS.iterdir() if folder.is_dir() and folder.name not in (SUPPORT, "__pycache__"))


def imported_modules(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def foreign_imports(suite: str, source: str) -> list[str]:
    """The imported modules that belong to another suite."""
    if not any(other in source for other in SUITES if other != suite):
        return []
    return [name for name in imported_modules(source) if (top := name.partition(".")[0]) in SUITES and top != suite]


def test_the_suites_are_the_folders_of_tests() -> None:
    assert {"unit", "contracts", "architecture", "integration", "system", "browser"} <= SUITES


@pytest.mark.parametrize("suite", sorted({*SUITES, SUPPORT}))
def test_a_suite_imports_only_itself_and_support(suite: str) -> None:
    files = sorted((TESTS / suite).rglob("*.py"))
    assert files
    imports = {str(path.relative_to(TESTS)): foreign_imports(suite, path.read_text()) for path in files}
    assert {name: modules for name, modules in imports.items() if modules} == {}


@pytest.mark.parametrize(
    ("suite", "source", "modules"),
    [
        ("browser", "from unit.portal_page import scenes", ["unit.portal_page"]),
        ("integration", "import unit.payments.examples as examples", ["unit.payments.examples"]),
        (SUPPORT, "def late():\n    from browser.live_stage import LiveStage", ["browser.live_stage"]),
        ("unit", "from unit.payments import examples\nfrom support.spec import Scenario\nimport contractual", []),
    ],
)
def test_an_import_of_another_suite_is_found(suite: str, source: str, modules: list[str]) -> None:
    assert foreign_imports(suite, source) == modules
