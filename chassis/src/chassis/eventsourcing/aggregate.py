"""What the chassis has to be told of an aggregate: its rules, how it is stored, what others hear of it, what it waits for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeAlias
from uuid import UUID

from billing_contracts.envelope import EventData
from chassis.eventsourcing.codec import Codec
from chassis.eventsourcing.decider import C, Decider, E, S
from chassis.eventsourcing.event_store import Statement
from chassis.eventsourcing.stream import Stream


@dataclass(frozen=True, slots=True)
class Announcement:
    """What others hear of an event."""

    data: EventData
    time: datetime
    """When it happened, by the merchant's clock; in UTC."""
    customer_id: UUID | None = None


@dataclass(frozen=True)
class Loaded(Generic[S]):
    """What a decision is taken on."""

    stream: Stream
    version: int
    state: S | None


@dataclass(frozen=True)
class Outcome(Generic[E, S]):
    """What a command led to; without events when there was nothing to do."""

    stream: Stream
    version: int
    events: tuple[E, ...]
    state: S

    @property
    def past(self) -> Loaded[S]:
        """To decide the next command on."""
        return Loaded(self.stream, self.version, self.state)


def nothing(_: object) -> Mapping[str, datetime]:
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
    """The public message of an event, given the state after it. Every event has one."""
    timers: Callable[[S], Mapping[str, datetime]] = nothing
    """What a state waits for: a name and the instant it is due, by the merchant's clock."""
    on_timer: OnTimer[S, C] | None = None
    """The command to give when the named timer is due; the instant is now, by the merchant's clock."""
    rows: Callable[[Outcome[E, S]], Sequence[Statement]] = no_rows
    """Rows of the service's own tables that always agree with the stream: written with its events, whoever asked."""

    def stream(self, merchant_id: UUID, id: UUID) -> Stream:
        return Stream(merchant_id, self.kind, id)
