"""The event-sourced services have the same skeleton: the same file for the same idea."""

import ast
from pathlib import Path

import pytest

from support.python_sources import contains, nodes, parsed

ROOT = Path(__file__).parents[2]
SERVICES = ("subscriptions", "payments", "invoicing")
SKELETON = (
    "__main__.py",
    "composition.py",
    "settings.py",
    "migrations",
    "application/aggregates.py",
    "application/ports.py",
    "application/publication.py",
    "application/reactions.py",
    "adapters/consumers.py",
    "adapters/rows.py",
    "adapters/http/documents.py",
    "adapters/http/parameters.py",
    "adapters/http/peers.py",
    "adapters/http/refusals.py",
)
AGGREGATE = ("commands.py", "events.py", "refusals.py")


def package(service: str) -> Path:
    return ROOT / "services" / service / "src" / service


def aggregates(service: str) -> list[Path]:
    return sorted(path.parent for path in (package(service) / "domain").glob("*/__init__.py"))


def top_level_names(path: Path) -> set[str]:
    names: set[str] = set()
    for node in parsed(path).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_every_file_of_the_skeleton(service: str) -> None:
    assert [name for name in SKELETON if not (package(service) / name).exists()] == []


@pytest.mark.parametrize("service", SERVICES)
def test_an_aggregate_has_commands_events_refusals_and_rules(service: str) -> None:
    assert aggregates(service)
    for folder in aggregates(service):
        modules = {path.name for path in folder.glob("*.py")}
        assert modules >= {*AGGREGATE, f"{folder.name}.py"}, folder
        assert top_level_names(folder / "commands.py") >= {"Command"}, folder
        assert top_level_names(folder / "events.py") >= {"Event"}, folder
        assert top_level_names(folder / "refusals.py") >= {"Refusal"}, folder
        assert top_level_names(folder / f"{folder.name}.py") >= {"decide", "evolve"}, folder


@pytest.mark.parametrize("service", SERVICES)
def test_each_refusal_of_a_service_is_mapped_in_one_table(service: str) -> None:
    table = package(service) / "adapters/http/refusals.py"
    assert "REFUSALS" in top_level_names(table)
    others = [path for path in package(service).rglob("*.py") if path != table and "REFUSALS" in top_level_names(path)]
    assert others == []


@pytest.mark.parametrize("service", SERVICES)
def test_each_consumer_has_the_same_name(service: str) -> None:
    assert "consumer" in top_level_names(package(service) / "adapters/consumers.py")


@pytest.mark.parametrize("service", SERVICES)
def test_the_protocols_of_the_application_are_its_ports(service: str) -> None:
    application = package(service) / "application"
    modules = [path for path in sorted(application.glob("*.py")) if not path.name.endswith("ports.py")]
    assert [path for path in modules if contains(path, "Protocol")] == []


@pytest.mark.parametrize("service", [*SERVICES, "portal-gateway"])
def test_a_service_logs_with_structlog(service: str) -> None:
    modules = sorted((ROOT / "services" / service / "src").rglob("*.py"))
    assert modules
    assert [path for path in modules if contains(path, "logging") and "logging" in imports(path)] == []


def imports(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in nodes(path):
        match node:
            case ast.Import(names=names):
                modules |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module)):
                modules.add(module)
    return modules


def uses(path: Path, *names: str) -> bool:
    return contains(path, *names) and not names_used(path).isdisjoint(names)


def names_used(path: Path) -> set[str]:
    names: set[str] = set()
    for node in nodes(path):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                names.add(name)
    return names


@pytest.mark.parametrize("service", [*SERVICES, "portal-gateway"])
def test_a_service_leaves_conflicts_to_the_chassis(service: str) -> None:
    """The chassis retries them; a service that handles one has a retry loop of its own."""
    modules = sorted((ROOT / "services" / service / "src").rglob("*.py"))
    assert [path for path in modules if uses(path, "VersionConflict", "AlreadyHandled", "Fenced", "ATTEMPTS")] == []


def raises_a_database_error(tree: ast.Module) -> bool:
    """Whether the code raises an exception class of the driver, and so controls its flow by errors of the database."""
    raised = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc)
    return any(isinstance(node, ast.Name) and node.id == "asyncpg" for exception in raised for node in ast.walk(exception))


@pytest.mark.parametrize("folder", ["chassis/src", "services", "deploy"])
def test_no_code_raises_errors_of_the_database(folder: str) -> None:
    modules = sorted((ROOT / folder).rglob("*.py"))
    assert modules
    assert [path for path in modules if contains(path, "asyncpg") and raises_a_database_error(parsed(path))] == []


def test_a_database_error_raised_by_hand_is_found() -> None:
    assert raises_a_database_error(ast.parse("raise asyncpg.SerializationError('again')\n"))
    assert not raises_a_database_error(ast.parse("try:\n    pass\nexcept asyncpg.SerializationError:\n    raise\n"))


@pytest.mark.parametrize("folder", ["chassis/src", "services", "deploy"])
def test_no_state_is_keyed_by_the_identity_of_an_object(folder: str) -> None:
    modules = sorted((ROOT / folder).rglob("*.py"))
    assert [path for path in modules if uses(path, "WeakKeyDictionary")] == []
