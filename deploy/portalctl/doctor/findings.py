"""The result of one check."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any


class CheckStatus(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class CheckResult:
    check: str
    """Stable, for scripts: `relay payments`."""
    status: CheckStatus
    what: str
    advice: str = ""
    """What to do; empty if nothing is to be done."""

    def as_json(self) -> dict[str, Any]:
        return {name: str(value) for name, value in asdict(self).items() if value != ""}


def ok(check: str, what: str) -> CheckResult:
    return CheckResult(check, CheckStatus.OK, what)


def warning(check: str, what: str, advice: str) -> CheckResult:
    return CheckResult(check, CheckStatus.WARNING, what, advice)


def failed(check: str, what: str, advice: str) -> CheckResult:
    return CheckResult(check, CheckStatus.FAILED, what, advice)


def skipped(check: str, what: str) -> CheckResult:
    return CheckResult(check, CheckStatus.SKIPPED, what)


Check = Callable[[], Awaitable[list[CheckResult]]]


def spoken(duration: timedelta) -> str:
    """`42 s`, `5 min`, `3 h`, `2 days`"""
    seconds = int(duration.total_seconds())
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
