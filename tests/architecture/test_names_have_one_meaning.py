"""A class or type has a name that no other one of its package has, so that a reader needs no import to tell them apart."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.python_sources import parsed

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "chassis": "chassis/src",
    "contracts": "contracts/src",
    "presentation": "presentation/src",
    "subscriptions": "services/subscriptions/src",
    "payments": "services/payments/src",
    "invoicing": "services/invoicing/src",
    "portal_gateway": "services/portal-gateway/src",
    "portalctl": "deploy/portalctl",
    "verify": "deploy/verify",
}
OF_EACH_AGGREGATE = {"Command", "Event", "Refusal"}
SHAPES_OF_HTTP = ("documents.py", "bodies.py", "parameters.py")
"""Their names are those of the OpenAPI documents."""


def types_in(module: ast.Module) -> Iterator[str]:
    """The public classes and type aliases of a module."""
    for node in module.body:
        match node:
            case ast.ClassDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if name[0].isupper() and not name.isupper() and "_" not in name:
                    yield name


def homonyms(folder: Path) -> dict[str, list[str]]:
    modules = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        if not path.name.endswith(SHAPES_OF_HTTP) and "adapters/api" not in path.as_posix():
            for name in types_in(parsed(path)):
                modules[name].append(path.relative_to(folder).as_posix())
    return {name: paths for name, paths in modules.items() if len(paths) > 1 and name not in OF_EACH_AGGREGATE}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_type_has_a_name_of_its_own(package: str) -> None:
    assert homonyms(ROOT / PACKAGES[package]) == {}


def test_two_types_with_one_name_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("class Position: ...\n")
    (tmp_path / "b.py").write_text("Position = tuple[int, int]\nLIMIT = 1\n")
    (tmp_path / "c.py").write_text("LIMIT = 2\nclass Place: ...\n")
    assert homonyms(tmp_path) == {"Position": ["a.py", "b.py"]}
