"""Whether the process lives, whether it can serve, and what is wrong although it can."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from chassis.runtime.faults import describe_error

Check = Callable[[], Awaitable[str | None]]
"""None when well, else what is wrong in a few words."""


@dataclass
class Health:
    checks: dict[str, Check] = field(default_factory=dict)
    """What the process cannot serve without."""
    watched: dict[str, Check] = field(default_factory=dict)
    """What it can serve without for a while: the page shows the last view and its age."""

    def add(self, name: str, check: Check) -> None:
        self.checks[name] = check

    def watch(self, name: str, check: Check) -> None:
        """Shown as degraded: the process stays ready."""
        self.watched[name] = check

    async def failures(self) -> dict[str, str]:
        """What keeps the service from being ready; empty when it is."""
        return await _wrong(self.checks)

    async def degraded(self) -> dict[str, str]:
        """What is wrong and does not keep it from being ready."""
        return await _wrong(self.watched)

    async def answer(self) -> tuple[int, dict[str, Any]]:
        """The status and the body that /health/ready answers with."""
        failures, degraded = await self.failures(), await self.degraded()
        body: dict[str, Any] = {"status": "failing" if failures else "degraded" if degraded else "ready"}
        if failures:
            body["failures"] = failures
        if degraded:
            body["degraded"] = degraded
        return 503 if failures else 200, body


async def _wrong(checks: dict[str, Check]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            wrong = await check()
        except Exception as error:
            wrong = describe_error(error)
        if wrong:
            found[name] = wrong
    return found
