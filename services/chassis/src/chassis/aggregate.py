"""What the chassis has to be told of an aggregate: its rules, how it is stored, what others hear of it, what it waits for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Generic
from uuid import UUID

from billing_contracts.envelope import EventData
from chassis.codec import Codec
from chassis.decider import C, Decider, E, S

if TYPE_CHECKING:
    from chassis.command_handler import Outcome
    from chassis.store import Statement


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """The events of one aggregate of one merchant."""

    merchant_id: UUID
    kind: str
    id: UUID

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.id}"


@dataclass(frozen=True, slots=True)
class Announcement:
    """What others hear of an event."""

    data: EventData
    time: datetime
    """When it happened, by the merchant's clock; in UTC."""
    customer_id: UUID | None = None


def nothing(_: object) -> Mapping[str, datetime]:
    return {}


def no_rows(_: object) -> "Sequence[Statement]":
    return ()


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
    on_timer: Callable[[str, S, datetime], C] | None = None
    """The command to give when the named timer is due; the instant is now, by the merchant's clock."""
    rows: "Callable[[Outcome[E, S]], Sequence[Statement]]" = no_rows
    """Rows of the service's own tables that always agree with the stream: written with its events, whoever asked."""

    def stream(self, merchant_id: UUID, id: UUID) -> Stream:
        return Stream(merchant_id, self.kind, id)
