"""Readiness checks, and checks that only report a degraded state."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from chassis.runtime.faults import describe_error

Check = Callable[[], Awaitable[str | None]]
"""Returns None when healthy, else a short description of the problem."""


@dataclass
class Health:
    checks: dict[str, Check] = field(default_factory=dict)
    """Checks without which the process is not ready."""
    watched: dict[str, Check] = field(default_factory=dict)
    """Checks that only degrade the process: the page shows the last view and its age."""

    def add(self, name: str, check: Check) -> None:
        self.checks[name] = check

    def watch(self, name: str, check: Check) -> None:
        """Add a check that reports `degraded`; the process stays ready."""
        self.watched[name] = check

    async def failures(self) -> dict[str, str]:
        """The failed readiness checks: name → problem. Empty when the process is ready."""
        return await _problems(self.checks)

    async def degraded(self) -> dict[str, str]:
        """The failed checks that do not affect readiness: name → problem."""
        return await _problems(self.watched)

    async def answer(self) -> tuple[int, dict[str, Any]]:
        """The status and body of /health/ready."""
        failures, degraded = await self.failures(), await self.degraded()
        body: dict[str, Any] = {"status": "failing" if failures else "degraded" if degraded else "ready"}
        if failures:
            body["failures"] = failures
        if degraded:
            body["degraded"] = degraded
        return 503 if failures else 200, body


async def _problems(checks: dict[str, Check]) -> dict[str, str]:
    problems: dict[str, str] = {}
    for name, check in list(checks.items()):  # parts that start meanwhile add checks
        try:
            problem = await check()
        except Exception as error:
            problem = describe_error(error)
        if problem:
            problems[name] = problem
    return problems
