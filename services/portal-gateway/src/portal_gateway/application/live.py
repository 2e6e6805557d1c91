"""Live updates: what a page's event stream sends, and when."""

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
"""The stream checks at least this often whether the session has ended."""
SILENCE_SECONDS = 15.0
"""The stream sends something at least this often, so that proxies do not close it."""


@dataclass(frozen=True, slots=True)
class Glance:
    """The revisions of a live session's view."""

    revision: int
    panes: Mapping[Pane, int]
    """The revision at which each pane last changed."""
    mark: str
    """See `mark`."""

    def since(self, revision: int) -> tuple[Pane, ...]:
        """The panes that changed after `revision`. All of them if the view was rebuilt, which restarts its revisions."""
        if revision > self.revision:
            return PANES
        return tuple(pane for pane in PANES if self.panes.get(pane, 0) > revision)


@dataclass(frozen=True, slots=True)
class Update:
    revision: int
    panes: tuple[Pane, ...]


@dataclass(frozen=True, slots=True)
class Pulse:
    """The facts have not changed. A page that shows another mark fetches its panes again."""

    mark: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The session has ended: the page removes the customer's data."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """The session has opened too many streams. This one, its oldest, ends."""


class ChangeSignal(Protocol):
    async def wait(self, seconds: float) -> None:
        """Wait until something may have changed, at most so long."""

    @property
    def closing(self) -> bool:
        """Whether the stream has to end, because the process stops or the stream is replaced."""

    @property
    def replaced(self) -> bool: ...


class ChangeSignals(Protocol):
    def of(self, merchant_id: UUID, customer_id: UUID, session_id: UUID) -> AbstractContextManager[ChangeSignal]: ...


def mark(pending: Sequence[Pending], minutes_late: int | None) -> str:
    """A hash of what a page shows besides the facts: the accepted commands and the facts' age, None while they are fresh."""
    return f"{crc32(repr((minutes_late, [(each['aggregate'], each['version']) for each in pending])).encode()):08x}"


def minutes_late(as_of: datetime, stale: bool, wall_clock: datetime) -> int | None:
    """The age of the facts in whole minutes; None while they are fresh."""
    return int((wall_clock - as_of).total_seconds() // 60) if stale else None


Look = Callable[[], Awaitable[Glance | None]]
"""Reads the current revisions; None if the session has ended. Does not keep it alive."""


async def updates(
    look: Look, signal: ChangeSignal, after: int | None, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[Update | Pulse | Ended | Replaced]:
    """The changes after the revision `after` (None: after the current one), until the session or the process ends."""
    sent_revision, sent_mark, sent_at = after, None, clock()
    while not signal.closing:
        glance = await look()
        if glance is None:
            yield Ended()
            return
        sent_revision = glance.revision if sent_revision is None else sent_revision
        sent_mark = sent_mark or glance.mark
        if sent_revision != glance.revision:
            yield Update(glance.revision, glance.since(sent_revision))
            sent_revision, sent_at = glance.revision, clock()
        elif sent_mark != glance.mark or clock() - sent_at >= SILENCE_SECONDS:
            yield Pulse(glance.mark)
            sent_mark, sent_at = glance.mark, clock()
        await signal.wait(LOOK_SECONDS)
    if signal.replaced:
        yield Replaced()
