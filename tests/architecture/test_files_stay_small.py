"""A composition fits a screen, and a module that grows past a few hundred lines holds two things."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    path
    for folder in ("bench", "chassis", "contracts", "deploy", "presentation", "services", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
COMPOSITIONS = [path for path in MODULES if path.name == "composition.py"]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_no_module_passes_four_hundred_lines() -> None:
    assert [str(path.relative_to(ROOT)) for path in MODULES if lines(path) > 400] == []


@pytest.mark.parametrize(("tests", "share"), [(False, 0.93), (True, 0.8)])
def test_most_modules_stay_below_two_hundred(tests: bool, share: float) -> None:
    """Tables of examples make test modules longer than the code that they hold."""
    modules = [path for path in MODULES if (path.relative_to(ROOT).parts[0] == "tests") is tests]
    assert sum(lines(path) <= 200 for path in modules) >= share * len(modules)


@pytest.mark.parametrize("path", COMPOSITIONS, ids=lambda path: path.parent.name)
def test_a_composition_fits_a_screen(path: Path) -> None:
    body = path.read_text().partition("def compose(")[2].splitlines()
    assert len(body) <= 60


def test_there_are_four_services_to_compose() -> None:
    assert len(COMPOSITIONS) == 4
