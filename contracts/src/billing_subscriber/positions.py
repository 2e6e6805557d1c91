"""The position of a subscriber in an aggregate's events, and its gaps. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Gaps(StrEnum):
    """The policy for an event if an earlier event of its aggregate has not arrived."""

    MARK = "mark"
    """Handle the event, with `Received.missing` set; record and count the missing events. For independent effects."""
    STOP = "stop"
    """Do not handle the event: its partition waits, and an error is logged. For effects that need every event, such as sums."""


class GapFound(Exception):
    """An event of the aggregate is missing, and the policy is `Gaps.STOP`."""


@dataclass(frozen=True, slots=True)
class Position:
    """In the events of one aggregate. Starts before the first event."""

    sequence: int = 0
    """The highest sequence that has arrived."""
    missing: tuple[tuple[int, int], ...] = ()
    """Ranges below `sequence` that have not arrived, as (first, last), both included, in ascending order."""

    def after(self, sequence: int) -> tuple["Position", range]:
        """The position after the event at `sequence`, and the newly missing sequences before it.

        An event below the position is a duplicate, or a missing one that arrives late.
        """
        if sequence > self.sequence:
            gap = range(self.sequence + 1, sequence)
            return Position(sequence, (*self.missing, (gap[0], gap[-1])) if gap else self.missing), gap
        halves = (
            half for first, last in self.missing for half in ((first, min(last, sequence - 1)), (max(first, sequence + 1), last))
        )
        return Position(self.sequence, tuple((first, last) for first, last in halves if first <= last)), range(0)
