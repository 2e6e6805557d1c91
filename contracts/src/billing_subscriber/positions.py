"""How far an aggregate's events have come. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Gaps(StrEnum):
    """What to do with an event when one before it in its aggregate did not come."""

    MARK = "mark"
    """Handle the event, with `Received.missing` filled; record and count what is missing. For effects that stand alone."""
    STOP = "stop"
    """Do not handle the event; its partition waits, with an error in the log. For effects that need every event, such as sums."""


class GapFound(Exception):
    """An event of the aggregate is missing and the subscriber must not continue without it."""


@dataclass(frozen=True, slots=True)
class Position:
    """Of one aggregate. Begins before its first event."""

    sequence: int = 0
    """The highest that came."""
    missing: tuple[tuple[int, int], ...] = ()
    """Ranges below `sequence` that did not come, first and last included, in ascending order."""

    def after(self, sequence: int) -> tuple["Position", range]:
        """The position once the event at `sequence` came, and what is newly missing before it.

        An event below the position is a repetition, or one of the missing ones that comes late.
        """
        if sequence > self.sequence:
            gap = range(self.sequence + 1, sequence)
            return Position(sequence, (*self.missing, (gap[0], gap[-1])) if gap else self.missing), gap
        halves = (
            half for first, last in self.missing for half in ((first, min(last, sequence - 1)), (max(first, sequence + 1), last))
        )
        return Position(self.sequence, tuple((first, last) for first, last in halves if first <= last)), range(0)
