"""A page that changes by itself: what a browser that watches is told, and when."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

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
class Silence:
    """Nothing happened, and all is well."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The session has ended: whatever is shown has to go."""


class Bell(Protocol):
    async def wait(self, seconds: float) -> None:
        """Until something may have changed, or for so long."""

    @property
    def closing(self) -> bool:
        """Whether the process is about to end: streams end first."""


class Bells(Protocol):
    def of(self, merchant_id: UUID, customer_id: UUID) -> AbstractContextManager[Bell]: ...


Look = Callable[[], Awaitable[Glance | None]]
"""None: the session has ended. Never prolongs it."""


async def updates(
    look: Look, bell: Bell, after: int | None, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[Update | Silence | Ended]:
    """What is new after the revision `after`, or from now on; until the session ends or the process does."""
    seen, spoke = after, clock()
    while not bell.closing:
        glance = await look()
        if glance is None:
            yield Ended()
            return
        if seen is None:
            seen = glance.revision
        if seen != glance.revision:
            yield Update(glance.revision, glance.since(seen))
            seen, spoke = glance.revision, clock()
        elif clock() - spoke >= SILENCE_SECONDS:
            yield Silence()
            spoke = clock()
        await bell.wait(LOOK_SECONDS)
