"""The import rules hold, and each rule that is broken in a copy is reported."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    ROOT / "contracts/src",
    ROOT / "chassis/src",
    ROOT / "presentation/src",
    *sorted((ROOT / "services").glob("*/src")),
    ROOT / "deploy",
]

VIOLATIONS = {
    "services never import one another": ("payments/settings.py", "import invoicing.settings"),
    "the domain is pure": ("subscriptions/domain/violation.py", "import pydantic"),
    "application": ("invoicing/application/violation.py", "import asyncpg"),
    "the application knows neither HTTP nor PostgreSQL": ("payments/application/violation.py", "import chassis.http.problems"),
    "adapters never import each other": ("portal_gateway/adapters/violation.py", "import portal_gateway.adapters.page"),
    "only __main__ imports the composition": ("payments/adapters/violation.py", "import payments.composition"),
    "contracts": ("billing_contracts/violation.py", "import httpx"),
    "the subscriber's kit": ("billing_subscriber/violation.py", "import chassis.decoding"),
    "the subscriber's kit without Kafka and PostgreSQL": ("billing_subscriber/handler.py", "import aiokafka"),
    "the chassis knows no billing word": ("chassis/violation.py", "import billing_contracts.payments"),
    "the chassis is acyclic": ("chassis/eventsourcing/violation.py", "import chassis.service.service"),
    "internals of the chassis": ("payments/adapters/violation.py", "import chassis.consumers.group_member"),
    "presentation": ("presentation/violation.py", "import chassis.scope"),
}


def lint(folder: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT])), "COLUMNS": "200"}
    command = [str(Path(sys.executable).parent / "lint-imports"), "--config", str(ROOT / "pyproject.toml")]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output of the check on a copy in which every rule is broken once."""
    copy = tmp_path_factory.mktemp("copy")
    for source in SOURCES:
        for package in (p for p in source.iterdir() if (p / "__init__.py").exists()):
            shutil.copytree(package, copy / package.name)
    for file, line in VIOLATIONS.values():
        with (copy / file).open("a") as module:
            module.write(f"\n{line}\n")
    process = lint(copy, copy)
    assert process.returncode != 0
    return process.stdout + process.stderr


def test_the_import_rules_hold() -> None:
    process = lint(ROOT)
    assert process.returncode == 0, process.stdout


@pytest.mark.parametrize("rule", VIOLATIONS)
def test_a_broken_rule_is_reported(rule: str, broken: str) -> None:
    assert f"{rule} BROKEN" in broken
