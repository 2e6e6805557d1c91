"""What can go wrong while the stack starts, said so that the reader knows what to do next."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_TAIL_LINES = 15
_LITTLE_ROOM = 64 * 1024 * 1024


class StackError(Exception):
    """A step failed; the message is for the person at the terminal."""


class StartFailed(StackError):
    """A process did not become ready; the message holds the end of its log."""

    def __init__(self, name: str, what: str, log: Path | None = None) -> None:
        self.name = name
        super().__init__(f"{name}: {what}{_room(log)}{_tail(log)}")


def timed_out(what: str, seconds: float, log: Path | None = None) -> StackError:
    """A step that took longer than the deadline."""
    return StackError(f"{what}: not done after {seconds:g} s (PORTAL_DEADLINE_SECONDS){_room(log)}{_tail(log)}")


@asynccontextmanager
async def within(seconds: float, what: str, log: Path | None = None) -> AsyncIterator[None]:
    """Bound a step. Raises StackError with what was waited for and the end of its log."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if limit.expired():
            raise timed_out(what, seconds, log) from None
        raise StackError(f"{what}: a time-out below it: {error or type(error).__name__}{_tail(log)}") from error


class PortTaken(StartFailed):
    """Another program answers, or listens, where this process should; another port helps."""


def log_tail(log: Path, lines: int = _TAIL_LINES) -> list[str]:
    """The last lines of a log file, none when there is no such file."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]


def _room(log: Path | None) -> str:
    """A full disk is the reason for many failures, and keeps it from being logged."""
    if log is None or not log.parent.exists() or (free := shutil.disk_usage(log.parent).free) >= _LITTLE_ROOM:
        return ""
    return f"\nOnly {free // 1024**2} MiB are left on the disk of {log.parent}."


def _tail(log: Path | None) -> str:
    if log is None:
        return ""
    return "\n".join([f"\nThe end of {log}:", *(f"  {line}" for line in log_tail(log))])
