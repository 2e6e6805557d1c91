"""Whether the process lives, and whether it can serve."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Check = Callable[[], Awaitable[str | None]]
"""None when well, else what is wrong in a few words."""


@dataclass
class Health:
    checks: dict[str, Check] = field(default_factory=dict)

    def add(self, name: str, check: Check) -> None:
        self.checks[name] = check

    async def failures(self) -> dict[str, str]:
        """What keeps the service from being ready; empty when it is."""
        found: dict[str, str] = {}
        for name, check in self.checks.items():
            try:
                wrong = await check()
            except Exception as error:
                wrong = type(error).__name__
            if wrong:
                found[name] = wrong
        return found
