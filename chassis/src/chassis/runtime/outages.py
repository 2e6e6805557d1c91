"""Outages of dependencies: one log line at the start, one a minute during the outage, and one at the end.

All code that sees a dependency fail or work reports it here. Otherwise a process that retries ten times a second in a dozen
tasks would fill its log with the same line.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from cachetools import LRUCache

from chassis.runtime.faults import dependency_of, describe_error

log = structlog.get_logger()

REPEAT_SECONDS = 60.0
QUIET_SECONDS = 2.0
"""An outage ends with a success, if nothing has failed for so long."""


@dataclass
class Outage:
    since: float
    failed_at: float
    """The time of the last failure."""
    logged_at: float
    """The time of the last log line."""
    suppressed: int = 0
    """Failures since the last log line."""


@dataclass
class Outages:
    clock: Callable[[], float] = time.monotonic
    away: dict[str, Outage] = field(default_factory=dict)
    """dependency → its outage. A dependency is `postgres`, `kafka` or the name of a service."""
    seen: set[str] = field(default_factory=set)
    """The dependencies that have worked at least once."""
    _lines: LRUCache[tuple[str, ...], tuple[float, int]] = field(default_factory=lambda: LRUCache(1_000))
    """log line → (time when it was written last, number of repetitions since then)."""

    def failed(self, error: BaseException | str, dependency: str | None = None, **fields: Any) -> None:
        """Report a failure because of an outage. `dependency` is used unless the exception identifies PostgreSQL or Kafka."""
        faulty = None if isinstance(error, str) else dependency_of(error)
        name = (faulty if faulty in ("postgres", "kafka") else dependency or faulty) or "unknown"
        description = error if isinstance(error, str) else describe_error(error)
        now = self.clock()
        outage = self.away.get(name)
        if outage is None:
            self.away[name] = Outage(now, now, now)
            log.warning("dependency.away", dependency=name, error=description, **fields)
            return
        outage.failed_at = now
        outage.suppressed += 1
        if now - outage.logged_at >= REPEAT_SECONDS:
            seconds, suppressed = round(now - outage.since), outage.suppressed
            outage.logged_at, outage.suppressed = now, 0
            log.warning(
                "dependency.still_away", dependency=name, error=description, seconds=seconds, suppressed=suppressed, **fields
            )

    def worked(self, dependency: str) -> None:
        """Report a success that needs the dependency. Costs almost nothing without an outage."""
        self.seen.add(dependency)
        if self.away and (outage := self.away.get(dependency)) and self.clock() - outage.failed_at >= QUIET_SECONDS:
            del self.away[dependency]
            seconds = round(outage.failed_at - outage.since, 1)
            log.info("dependency.back", dependency=dependency, seconds=seconds, suppressed=outage.suppressed)

    def since(self, seconds: float) -> Mapping[str, int]:
        """The outages that have lasted for at least `seconds`: dependency → its seconds."""
        now = self.clock()
        return {name: round(now - each.since) for name, each in self.away.items() if now - each.since >= seconds}

    def sparingly(self, *line: str) -> int | None:
        """Limit a log line to one a minute. Returns how many were suppressed, or None if the line must not be written."""
        now = self.clock()
        logged_at, suppressed = self._lines.get(line, (None, 0))
        if logged_at is not None and now - logged_at < REPEAT_SECONDS:
            self._lines[line] = logged_at, suppressed + 1
            return None
        self._lines[line] = now, 0
        return suppressed


outages = Outages()
"""The outages of this process."""
