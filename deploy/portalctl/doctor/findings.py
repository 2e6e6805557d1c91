"""The result of one check."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    check: str
    """Stable, for scripts: `relay payments`."""
    status: Status
    what: str
    advice: str = ""
    """What to do; empty if nothing is to be done."""

    def as_json(self) -> dict[str, Any]:
        return {name: str(value) for name, value in asdict(self).items() if value != ""}


def ok(check: str, what: str) -> Finding:
    return Finding(check, Status.OK, what)


def warning(check: str, what: str, advice: str) -> Finding:
    return Finding(check, Status.WARNING, what, advice)


def failed(check: str, what: str, advice: str) -> Finding:
    return Finding(check, Status.FAILED, what, advice)


def skipped(check: str, what: str) -> Finding:
    return Finding(check, Status.SKIPPED, what)


Check = Callable[[], Awaitable[list[Finding]]]


def spoken(duration: timedelta) -> str:
    """`42 s`, `5 min`, `3 h`, `2 days`"""
    seconds = int(duration.total_seconds())
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
