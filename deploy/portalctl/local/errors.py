"""Errors of the local stack, with messages that name the next step."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_TAIL_LINES = 15
_LOW_SPACE_BYTES = 64 * 1024 * 1024


class StackError(Exception):
    """A failed step, with a message for the person at the terminal."""


class StartFailed(StackError):
    """A process that did not become ready. The message contains the end of its log."""

    def __init__(self, name: str, what: str, log: Path | None = None) -> None:
        self.name = name
        super().__init__(f"{name}: {what}{_disk_space(log)}{_tail(log)}")


def timed_out(what: str, seconds: float, log: Path | None = None) -> StackError:
    """The error for a step that took longer than the deadline."""
    return StackError(f"{what}: not done after {seconds:g} s (PORTAL_DEADLINE_SECONDS){_disk_space(log)}{_tail(log)}")


@asynccontextmanager
async def within(seconds: float, what: str, log: Path | None = None) -> AsyncIterator[None]:
    """Limit the time of a step. Raises StackError with the step and the end of its log."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if limit.expired():
            raise timed_out(what, seconds, log) from None
        raise StackError(f"{what}: a time-out in a lower layer: {error or type(error).__name__}{_tail(log)}") from error


class PortTaken(StartFailed):
    """Another program uses the port of this process. Another port helps."""


def log_tail(log: Path, lines: int = _TAIL_LINES) -> list[str]:
    """The last lines of a log file; empty if it does not exist."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]


def _disk_space(log: Path | None) -> str:
    """A note about a nearly full disk, which causes many failures and prevents their log lines."""
    if log is None or not log.parent.exists() or (free := shutil.disk_usage(log.parent).free) >= _LOW_SPACE_BYTES:
        return ""
    return f"\nOnly {free // 1024**2} MiB are left on the disk of {log.parent}."


def _tail(log: Path | None) -> str:
    if log is None:
        return ""
    return "\n".join([f"\nThe end of {log}:", *(f"  {line}" for line in log_tail(log))])
