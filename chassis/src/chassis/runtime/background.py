"""Background tasks that survive faults. Every loop of a service runs here, and only a final fault ends it."""

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

FAILURES = Counter("background_failures", "Runs of background tasks that failed and were retried", ["task", "fault"])

Step = Callable[[], Awaitable[float | None]]
"""One run of a task. Returns the seconds until the next run; None to run again at once."""

STEADY_SECONDS = 10.0
"""A run that lasts longer counts as a success, even if it ends with a fault."""


class LostCancellation(Exception):
    """A library raised CancelledError although the task itself was not cancelled."""


@dataclass
class _Failure:
    since: float
    error: str
    run_started_at: float
    dependency: str | None
    """The dependency of a transient fault."""


_failures: dict[str, _Failure] = {}


def failing_tasks(seconds: float) -> dict[str, str]:
    """The tasks of this process without a successful run for so long: task → its last error.

    Tasks that wait for a dependency with a known outage are left out.
    """
    now = time.monotonic()
    return {
        task: each.error
        for task, each in _failures.items()
        if now - each.since >= seconds
        and now - each.run_started_at < max(STEADY_SECONDS, seconds)
        and each.dependency not in outages.away
    }


async def repeat(
    task: str,
    step: Step,
    stop: asyncio.Event,
    *,
    dependency: str = "postgres",
    proves: bool = True,
    wake: asyncio.Event | None = None,
    backoff: Backoff | None = None,
) -> None:
    """Run `step` repeatedly until `stop`. `wake`, like `stop`, ends the pause between runs; the step clears it. `proves`: whether
    a successful run shows that the dependency works.

    After a transient or unclassified fault the step runs again with back-off. The fault is counted, listed by `failing_tasks`,
    and reported as an outage of `dependency` unless the exception identifies another one. A final fault is raised: the process
    ends.
    """
    backoff = backoff or Backoff(0.2)
    FAILURES.labels(task, "transient"), FAILURES.labels(task, "unexpected")  # exported as 0 from the start
    wake = wake or asyncio.Event()
    async with woken_by(stop, wake):
        while not stop.is_set():
            started_at = time.monotonic()
            if task in _failures:
                _failures[task].run_started_at = started_at
            try:
                pause = await _without_lost_cancellation(step)
            except Exception as error:
                if kind_of(error) is FINAL:
                    log.critical("background.final_fault", task=task, error=describe_error(error))
                    raise
                _note_failure(task, error, dependency, started_at)
                if time.monotonic() - started_at > STEADY_SECONDS:
                    backoff.reset()
                await backoff.wait(stop)
            else:
                _failures.pop(task, None)
                if proves:
                    outages.worked(dependency)
                backoff.reset()
                if pause:
                    await wait_for_event(wake, pause)
    _failures.pop(task, None)


async def survives(task: str, work: Awaitable[object]) -> bool:
    """Await one piece of a task's work, and report its fault. Returns whether it succeeded."""
    try:
        await work
    except Exception as error:
        report(task, error)
        return False
    return True


def report(task: str, error: Exception, dependency: str = "postgres") -> None:
    """Count and log a fault of a task: a transient one as an outage, any other with its traceback once a minute."""
    transient = kind_of(error) is TRANSIENT
    FAILURES.labels(task, "transient" if transient else "unexpected").inc()
    if transient:
        outages.failed(error, dependency, task=task)
    elif (suppressed := outages.sparingly(task, type(error).__name__)) is not None:
        log.error("background.failed", task=task, error=describe_error(error), suppressed=suppressed, exc_info=error)


def _note_failure(task: str, error: Exception, dependency: str, started_at: float) -> None:
    report(task, error, dependency)
    now = time.monotonic()
    since = now if now - started_at > STEADY_SECONDS or task not in _failures else _failures[task].since
    faulty = (dependency_of(error) or dependency) if kind_of(error) is TRANSIENT else None
    _failures[task] = _Failure(since, describe_error(error), started_at, dependency if faulty == "unknown" else faulty)


async def _without_lost_cancellation(step: Step) -> float | None:
    """Run the step. Raises LostCancellation for a CancelledError although this task was not cancelled."""
    try:
        return await step()
    except asyncio.CancelledError as error:
        current = asyncio.current_task()
        if current is None or current.cancelling():
            raise
        raise LostCancellation from error
