"""The declaration of an aggregate: its decider, its codec, its public messages, its timers and its rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeAlias
from uuid import UUID

from billing_contracts.envelope import EventData
from chassis.eventsourcing.codec import Codec
from chassis.eventsourcing.decider import C, Decider, E, S
from chassis.eventsourcing.event_store import Statement
from chassis.eventsourcing.lost_events import NOTHING_LOST, LostHistory
from chassis.eventsourcing.stream import Stream


@dataclass(frozen=True, slots=True)
class Announcement:
    """The public message of an event, before it gets its envelope."""

    data: EventData
    time: datetime
    """When the event happened, by the merchant's clock; in UTC."""
    customer_id: UUID | None = None


@dataclass(frozen=True)
class Loaded(Generic[S]):
    """A stream's version and state, on which a command is decided."""

    stream: Stream
    version: int
    state: S | None
    lost: LostHistory = NOTHING_LOST


@dataclass(frozen=True)
class Outcome(Generic[E, S]):
    """The result of a command. `events` is empty when the command changed nothing."""

    stream: Stream
    version: int
    events: tuple[E, ...]
    state: S

    @property
    def loaded(self) -> Loaded[S]:
        """The state after the events, on which the next command can be decided."""
        return Loaded(self.stream, self.version, self.state)


def no_timers(_: object) -> Mapping[str, datetime]:
    return {}


def no_rows(_: object) -> Sequence[Statement]:
    return ()


OnTimer: TypeAlias = Callable[[str, S, datetime], C]
"""(timer, state, now by the merchant's clock) -> the command to give"""


@dataclass(frozen=True)
class Aggregate(Generic[C, E, S]):
    kind: str
    """`order` makes streams `order-<uuid>`, which is also the messages' subject."""
    decider: Decider[C, E, S]
    refusal: type[Exception]
    """The base class of the domain's refusals."""
    codec: Codec
    announce: Callable[[E, S], Announcement]
    """(event, state after it) → its public message. Every event has one."""
    timers: Callable[[S], Mapping[str, datetime]] = no_timers
    """The timers of a state: name → the instant when it is due, by the merchant's clock."""
    on_timer: OnTimer[S, C] | None = None
    """(timer name, state, now by the merchant's clock) → the command of a due timer."""
    rows: Callable[[Outcome[E, S]], Sequence[Statement]] = no_rows
    """Statements on the service's own tables that keep them consistent with the stream; part of every append."""

    def stream(self, merchant_id: UUID, id: UUID) -> Stream:
        return Stream(merchant_id, self.kind, id)
