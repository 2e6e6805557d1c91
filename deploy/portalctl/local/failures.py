"""What can go wrong while the stack starts, said so that the reader knows what to do next."""

from pathlib import Path

_TAIL_LINES = 15


class StackError(Exception):
    """A step failed; the message is for the person at the terminal."""


class StartFailed(StackError):
    """A process did not become ready; the message holds the end of its log."""

    def __init__(self, name: str, what: str, log: Path | None = None) -> None:
        self.name = name
        super().__init__(f"{name}: {what}{_tail(log)}")


class PortTaken(StartFailed):
    """Another program answers, or listens, where this process should; another port helps."""


def log_tail(log: Path, lines: int = _TAIL_LINES) -> list[str]:
    """The last lines of a log file, none when there is no such file."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]


def _tail(log: Path | None) -> str:
    if log is None:
        return ""
    return "\n".join([f"\nThe end of {log}:", *(f"  {line}" for line in log_tail(log))])
