"""The chassis contains no billing term."""

import re
from pathlib import Path

CHASSIS = Path(__file__).parents[2] / "chassis" / "src" / "chassis"
BILLING = re.compile(
    r"subscription|invoic|payment|billing(?!_contracts)|charge|renew|dunning|refund|proration|past_due|price|\bplans?\b|\btax",
    re.IGNORECASE,
)
TOPICS = re.compile(r"billing\.watermarks|/billing/")
"""The prefix of all topics, and of the source in CloudEvents."""


def test_no_module_contains_a_billing_term() -> None:
    files = [path for suffix in ("py", "sql") for path in CHASSIS.rglob(f"*.{suffix}")]
    lines = [
        (path.name, line) for path in files for line in path.read_text().splitlines() if BILLING.search(TOPICS.sub("", line))
    ]
    assert lines == []
    assert len(files) > 100


def test_the_check_finds_a_term() -> None:
    assert BILLING.search("when the invoice is paid")
    assert not BILLING.search(TOPICS.sub("", "from billing_contracts.envelope import Envelope  # billing.watermarks"))
