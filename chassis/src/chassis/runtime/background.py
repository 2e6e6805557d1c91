"""Background tasks that outlive faults: every loop of a service runs here, and nothing but a final fault ends it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from chassis.runtime.fault_kinds import FINAL, TRANSIENT
from chassis.runtime.faults import Backoff, dependency_of, describe_error, kind_of
from chassis.runtime.outages import outages
from chassis.runtime.wait import wait_for_event, woken_by

log = structlog.get_logger()

FAILURES = Counter("background_failures", "Turns of background tasks that failed and were tried again", ["task", "fault"])

Step = Callable[[], Awaitable[float | None]]
"""One turn of a task; returns the seconds to rest before the next one, None for none."""

STEADY_SECONDS = 10.0
"""A turn that lasts longer than this counts as success, even when it ends with a fault."""


class LostCancellation(Exception):
    """A library cancelled the task it ran in: the task was not told to end."""


@dataclass
class _Failing:
    since: float
    error: str
    turn_began: float
    dependency: str | None
    """Where the fault lies, when it is transient."""


_failing: dict[str, _Failing] = {}


def failing(seconds: float) -> dict[str, str]:
    """The tasks of this process that have not completed a turn for so long, with the last error of each; without those that
    wait for a dependency that is known to be away.
    """
    now = time.monotonic()
    return {
        task: it.error
        for task, it in _failing.items()
        if now - it.since >= seconds and now - it.turn_began < max(STEADY_SECONDS, seconds) and it.dependency not in outages.away
    }


async def repeat(
    task: str,
    turn: Step,
    stop: asyncio.Event,
    *,
    dependency: str = "postgres",
    proves: bool = True,
    wake: asyncio.Event | None = None,
    backoff: Backoff | None = None,
) -> None:
    """Takes turns until `stop`. `wake` ends the rest between them, as `stop` does; the turn clears it. `proves`: whether a
    turn that went well shows that the dependency works.

    After a transient fault, or one that is nobody's of the drivers, the turn is taken again with back-off: it is counted,
    reported as an outage of `dependency` where the exception does not say of which, and shown by `failing`. Raises what the
    table of faults calls final: the process ends.
    """
    backoff = backoff or Backoff(0.2)
    FAILURES.labels(task, "transient"), FAILURES.labels(task, "unexpected")  # shown from the start
    wake = wake or asyncio.Event()
    async with woken_by(stop, wake):
        while not stop.is_set():
            began = time.monotonic()
            if task in _failing:
                _failing[task].turn_began = began
            try:
                pause = await _uncancelled(turn)
            except Exception as error:
                if kind_of(error) is FINAL:
                    log.critical("background.ends", task=task, error=describe_error(error))
                    raise
                _note(task, error, dependency, began)
                if time.monotonic() - began > STEADY_SECONDS:
                    backoff.reset()
                await backoff.wait(stop)
            else:
                _failing.pop(task, None)
                if proves:
                    outages.worked(dependency)
                backoff.reset()
                if pause:
                    await wait_for_event(wake, pause)
    _failing.pop(task, None)


async def survives(task: str, work: Awaitable[object], dependency: str = "postgres") -> bool:
    """Awaits one piece of work of a task; returns whether it went well. A fault is reported, and the piece left for later."""
    try:
        await work
    except Exception as error:
        report(task, error, dependency)
        return False
    return True


def report(task: str, error: Exception, dependency: str = "postgres") -> None:
    """Counts and logs a fault in a task: a transient one as an outage, any other with its traceback once a minute."""
    transient = kind_of(error) is TRANSIENT
    FAILURES.labels(task, "transient" if transient else "unexpected").inc()
    if transient:
        outages.failed(error, dependency, task=task)
    elif (suppressed := outages.sparingly(task, type(error).__name__)) is not None:
        log.error("background.failed", task=task, error=describe_error(error), suppressed=suppressed, exc_info=error)


def _note(task: str, error: Exception, dependency: str, began: float) -> None:
    report(task, error, dependency)
    now = time.monotonic()
    since = now if now - began > STEADY_SECONDS or task not in _failing else _failing[task].since
    found = (dependency_of(error) or dependency) if kind_of(error) is TRANSIENT else None
    _failing[task] = _Failing(since, describe_error(error), began, dependency if found == "unknown" else found)


async def _uncancelled(turn: Step) -> float | None:
    """Raises LostCancellation where a cancellation comes out of a library although nothing cancelled this task."""
    try:
        return await turn()
    except asyncio.CancelledError as error:
        current = asyncio.current_task()
        if current is None or current.cancelling():
            raise
        raise LostCancellation from error
