"""A read model, one document per aggregate: how an event changes it, and which events may."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from billing_contracts.envelope import Envelope, topic_of

Document = dict[str, Any]


@dataclass(frozen=True)
class Projection:
    name: str
    types: frozenset[str]
    """The event types (`TYPE`) that it folds."""
    fold: Callable[[Document | None, Envelope], Document | None]
    """The aggregate's document after the event; None while there is nothing to show. Pure; never changes what it is given."""
    state: bool = False
    """Whether each message carries the whole document (compacted topics): a higher sequence replaces, gaps are no harm."""
    kind: str | None = None
    """Of the aggregate: `order` for subjects `order-<uuid>`. By default the projection's name.

    Events of such subjects whose type is none of `types` count, but change nothing.
    """

    @property
    def shown(self) -> str:
        """The kind of aggregate projected here."""
        return self.kind or self.name

    def shows(self, aggregate: str) -> bool:
        """Whether the aggregate `<kind>-<uuid>` is of the kind projected here."""
        return aggregate.partition("-")[0] == self.shown

    def erased_by(self, topic: str) -> bool:
        """Whether tombstones on the topic erase documents of this projection."""
        return self.state and any(topic_of(type) == topic for type in self.types)


class Diverged(Exception):
    """The aggregate's row shows another event under the same sequence."""


@dataclass
class ProjectedRow:
    """A projected document while events are folded into it. An aggregate that is not projected yet stands at 0."""

    projection: Projection
    merchant_id: UUID
    aggregate: str
    base: int = 0
    """The sequence in the database."""
    sequence: int = 0
    event_id: UUID | None = None
    """None when the event at `sequence` was discarded."""
    customer_id: UUID | None = None
    doc: Document | None = None
    stale_since: datetime | None = None
    waiting: dict[int, Envelope] = field(default_factory=dict)
    """By sequence: what came before an event that it follows."""
    came: set[int] = field(default_factory=set)
    """Of what waits, what is not in the database yet."""
    went: set[int] = field(default_factory=set)
    """What waits in the database only."""
    touched: bool = False
    stored: bool = False
    """Whether the database has the row."""

    @property
    def key(self) -> tuple[UUID, str, str]:
        return self.merchant_id, self.projection.name, self.aggregate

    @property
    def steps(self) -> int:
        """From the sequence in the database to this one."""
        return self.sequence - self.base

    @property
    def gone(self) -> bool:
        """Whether nothing is to be kept: erased, or never begun."""
        return self.sequence == 0

    def take(self, envelope: Envelope) -> None:
        """Folds the event when it is the next, and all that waited for it; lets it wait when it is early; drops it when it is
        known. Raises Diverged when another event has its place, and whatever the fold raises.
        """
        place = envelope.sequence
        if place == self.sequence and self.event_id not in (None, envelope.id):
            raise Diverged(f"{self.projection.name} shows another event at {place}")
        if place <= self.sequence:
            return
        if self.projection.state or place == self.sequence + 1:
            self._fold(envelope)
            self._drain()
        elif (known := self.waiting.get(place)) is None:
            self.waiting[place] = envelope
            self.came.add(place)
            self.mark_stale()
        elif known.id != envelope.id:
            raise Diverged(f"another event waits for {self.projection.name} at {place}")

    def skip(self, place: int | None) -> None:
        """Goes on without the event at `place`; where that is not known, without whatever lies before what waits."""
        if place is None and self.waiting:
            place = min(self.waiting) - 1
        if (place is not None and place > self.sequence and place + 1 in self.waiting) or place == self.sequence + 1:
            self.sequence, self.event_id = place, None
        self.touched = True
        self._drain()

    def mark_stale(self) -> None:
        if self.stale_since is None:
            self.stale_since, self.touched = datetime.now(UTC), True

    def erase(self) -> None:
        self.sequence, self.event_id, self.doc, self.customer_id, self.stale_since = 0, None, None, None, None
        self.touched = True

    def _fold(self, envelope: Envelope) -> None:
        if envelope.type in self.projection.types:
            self.doc = self.projection.fold(self.doc, envelope)
        self.sequence, self.event_id = envelope.sequence, envelope.id
        self.customer_id = envelope.customerid or self.customer_id
        self.touched = True

    def _drain(self) -> None:
        while (following := self.waiting.pop(self.sequence + 1, None)) is not None:
            self._fold(following)
            self._gone(following.sequence)
        for place in [place for place in self.waiting if place <= self.sequence]:
            del self.waiting[place]
            self._gone(place)
        if not self.waiting:
            self.stale_since = None

    def _gone(self, place: int) -> None:
        if place in self.came:
            self.came.discard(place)
        else:
            self.went.add(place)
