"""Dependencies that are away: one log line when one goes, one a minute while it is away, one when it is back.

Whatever notices that a dependency fails or works reports it here. A process that tries ten times a second from a dozen tasks
would otherwise fill its log with the same sentence.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from chassis.runtime.faults import dependency_of, describe_error

log = structlog.get_logger()

REPEAT_SECONDS = 60.0
QUIET_SECONDS = 2.0
"""A dependency is back once something works and nothing has failed for so long."""


@dataclass
class Outage:
    since: float
    failed: float
    """When something failed last."""
    told: float
    """When the last line was written."""
    suppressed: int = 0
    """Failures since then."""


@dataclass
class Outages:
    clock: Callable[[], float] = time.monotonic
    away: dict[str, Outage] = field(default_factory=dict)
    """By dependency: postgres, kafka, or the name of a service."""
    seen: set[str] = field(default_factory=set)
    """The dependencies that have worked at least once."""
    _lines: dict[tuple[str, ...], tuple[float, int]] = field(default_factory=dict)
    """Of each repeated line, when it was written last, and how many were suppressed since."""

    def failed(self, error: BaseException | str, dependency: str | None = None, **fields: Any) -> None:
        """Something failed because a dependency is away. `dependency` counts where the exception does not say which."""
        found = None if isinstance(error, str) else dependency_of(error)
        name = (found if found in ("postgres", "kafka") else dependency or found) or "unknown"
        words = error if isinstance(error, str) else describe_error(error)
        now = self.clock()
        outage = self.away.get(name)
        if outage is None:
            self.away[name] = Outage(now, now, now)
            log.warning("dependency.away", dependency=name, error=words, **fields)
            return
        outage.failed = now
        outage.suppressed += 1
        if now - outage.told >= REPEAT_SECONDS:
            seconds, suppressed = round(now - outage.since), outage.suppressed
            outage.told, outage.suppressed = now, 0
            log.warning("dependency.still_away", dependency=name, error=words, seconds=seconds, suppressed=suppressed, **fields)

    def worked(self, dependency: str) -> None:
        """Something that needs the dependency succeeded. Costs next to nothing while all is well."""
        self.seen.add(dependency)
        if self.away and (outage := self.away.get(dependency)) and self.clock() - outage.failed >= QUIET_SECONDS:
            del self.away[dependency]
            seconds = round(outage.failed - outage.since, 1)
            log.info("dependency.back", dependency=dependency, seconds=seconds, suppressed=outage.suppressed)

    def since(self, seconds: float) -> Mapping[str, int]:
        """For how many seconds each dependency has been away, of those away for at least so long."""
        now = self.clock()
        return {name: round(now - each.since) for name, each in self.away.items() if now - each.since >= seconds}

    def sparingly(self, *line: str) -> int | None:
        """How many repetitions of a line were suppressed, once a minute; None when it must not be written yet."""
        now = self.clock()
        told, suppressed = self._lines.get(line, (None, 0))
        if told is not None and now - told < REPEAT_SECONDS:
            self._lines[line] = told, suppressed + 1
            return None
        if len(self._lines) > 1_000:
            self._lines.clear()
        self._lines[line] = now, 0
        return suppressed


outages = Outages()
"""Of this process."""
