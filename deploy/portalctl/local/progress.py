"""Progress of a longer step, one line at a time."""

from collections.abc import Callable

Report = Callable[[str], None]


def silent(line: str) -> None:
    """Report nothing."""
