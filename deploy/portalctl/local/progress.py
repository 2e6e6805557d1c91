"""Progress of a step that takes a while, as one line for the person at the terminal."""

from collections.abc import Callable

Report = Callable[[str], None]


def silent(line: str) -> None:
    """For callers that show nothing."""
