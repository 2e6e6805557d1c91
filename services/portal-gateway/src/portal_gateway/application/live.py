"""A page that changes by itself: what a browser that watches is told, and when."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID
from zlib import crc32

from portal_gateway.application.view import Pending
from portal_gateway.domain.view import PANES, Pane

LOOK_SECONDS = 7.5
"""A session that has ended is noticed within so long."""
SILENCE_SECONDS = 15.0
"""Then something is sent, lest a proxy takes the stream for dead."""


@dataclass(frozen=True, slots=True)
class Glance:
    """Whether there is something new, for a session that lives."""

    revision: int
    panes: Mapping[Pane, int]
    """The revision at which each last changed."""
    mark: str
    """Of what is told besides the facts: see `mark`."""

    def since(self, revision: int) -> tuple[Pane, ...]:
        """The panes that are newer. All of them when the view was made anew and counts from the beginning."""
        if revision > self.revision:
            return PANES
        return tuple(pane for pane in PANES if self.panes.get(pane, 0) > revision)


@dataclass(frozen=True, slots=True)
class Update:
    revision: int
    panes: tuple[Pane, ...]


@dataclass(frozen=True, slots=True)
class Pulse:
    """The facts are as they were; whoever shows another mark has something else to tell."""

    mark: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The session has ended: whatever is shown has to go."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """The session has opened too many streams since: this one, its oldest, ends."""


class ChangeSignal(Protocol):
    async def wait(self, seconds: float) -> None:
        """Until something may have changed, or for so long."""

    @property
    def closing(self) -> bool:
        """Whether the stream has to end: the process is about to, or the stream is replaced."""

    @property
    def replaced(self) -> bool: ...


class ChangeSignals(Protocol):
    def of(self, merchant_id: UUID, customer_id: UUID, session_id: UUID) -> AbstractContextManager[ChangeSignal]: ...


def mark(pending: Sequence[Pending], late: int | None) -> str:
    """Changes when what is on its way does, and with each minute that the facts are late; `late` is None while they are not."""
    return f"{crc32(repr((late, [(it['aggregate'], it['version']) for it in pending])).encode()):08x}"


def minutes_late(as_of: datetime, stale: bool, wall_clock: datetime) -> int | None:
    """How old the facts are, in whole minutes; None while they are fresh."""
    return int((wall_clock - as_of).total_seconds() // 60) if stale else None


Look = Callable[[], Awaitable[Glance | None]]
"""None: the session has ended. Never prolongs it."""


async def updates(
    look: Look, bell: ChangeSignal, after: int | None, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[Update | Pulse | Ended | Replaced]:
    """What is new after the revision `after`, or from now on; until the session ends or the process does."""
    seen, told, spoke = after, None, clock()
    while not bell.closing:
        glance = await look()
        if glance is None:
            yield Ended()
            return
        seen, told = glance.revision if seen is None else seen, told or glance.mark
        if seen != glance.revision:
            yield Update(glance.revision, glance.since(seen))
            seen, spoke = glance.revision, clock()
        elif told != glance.mark or clock() - spoke >= SILENCE_SECONDS:
            yield Pulse(glance.mark)
            told, spoke = glance.mark, clock()
        await bell.wait(LOOK_SECONDS)
    if bell.replaced:
        yield Replaced()
