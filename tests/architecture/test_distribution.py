"""Files that share a slow stack or environment run in one process, and every file that must be named is named."""

import re
from pathlib import Path

from support.distribution import SUBSCRIBERS, WITH_FAULTS, WITH_OWN_STACK, rank, scope

TESTS = Path(__file__).parents[1]
SYSTEM = sorted((TESTS / "system").glob("test_*.py"))
CONTRACTS = sorted((TESTS / "integration" / "contracts").glob("test_*.py"))
FAULT = re.compile(r"\.signal\(|\.suspend\(\)")


def test_files_that_disturb_the_system_stack_have_another_one() -> None:
    assert {path.stem for path in SYSTEM if FAULT.search(path.read_text())} == WITH_FAULTS


def test_files_that_start_an_own_stack_are_named() -> None:
    assert {
        path.stem for path in SYSTEM if re.search(r"\brunning\(folder\b|scenario\.py|\bcluster\(SMALL\)", path.read_text())
    } == WITH_OWN_STACK


def test_files_with_a_subscribers_environment_share_it() -> None:
    assert {path.stem for path in CONTRACTS if re.search(r"\b(newcomer|bare):", path.read_text())} == SUBSCRIBERS


def test_groups_start_before_files_and_every_other_file_is_its_own_scope() -> None:
    assert scope("tests/system/test_verify.py::test_a") == scope("tests/system/test_metrics.py::test_b[x::y]") == "system"
    assert scope("tests/system/test_full_disk.py::test_a") == "tests/system/test_full_disk.py"
    assert scope("tests/unit/payments/test_a.py::TestA::test_a") == "tests/unit/payments/test_a.py"
    tests = ["tests/unit/payments/test_a.py::a", "tests/system/test_verify.py::a", "tests/system/test_kafka_outage.py::a"]
    assert sorted(tests, key=rank) == tests[::-1]
