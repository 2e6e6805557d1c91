"""The chassis contains no billing term."""

import re
from pathlib import Path

import pytest

CHASSIS = Path(__file__).parents[2] / "chassis" / "src" / "chassis"
BILLING = re.compile(
    r"subscription|invoic|payment|billing(?!_contracts)|charge|renew|dunning|refund|proration|past_due|price|\bplans?\b|\btax",
    re.IGNORECASE,
)
TOPICS = re.compile(r"billing\.watermarks|/billing/")
"""The prefix of all topics, and of the source in CloudEvents."""


@pytest.mark.parametrize(
    "path", sorted(CHASSIS.rglob("*.py")) + sorted(CHASSIS.rglob("*.sql")), ids=lambda p: p.relative_to(CHASSIS).as_posix()
)
def test_a_module_contains_no_billing_term(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if BILLING.search(TOPICS.sub("", line))]
    assert lines == []


def test_the_check_finds_a_term() -> None:
    assert BILLING.search("when the invoice is paid")
    assert not BILLING.search(TOPICS.sub("", "from billing_contracts.envelope import Envelope  # billing.watermarks"))
