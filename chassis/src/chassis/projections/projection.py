"""A projection: a read model of one document per aggregate, and the fold that maintains it."""

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
    """The event types (`TYPE`) that the fold reads."""
    fold: Callable[[Document | None, Envelope], Document | None]
    """Return the aggregate's document after the event, or None while there is nothing to show. Must be pure and must not
    change its arguments.
    """
    state: bool = False
    """True if each message carries the whole document (compacted topics): a higher sequence replaces it, gaps are allowed."""
    kind: str | None = None
    """The kind of the aggregate: `order` for subjects `order-<uuid>`. Defaults to the projection's name.

    Events of such subjects with another type advance the sequence and do not change the document.
    """

    @property
    def aggregate_kind(self) -> str:
        return self.kind or self.name

    def projects(self, aggregate: str) -> bool:
        """Whether the aggregate `<kind>-<uuid>` is of this projection's kind."""
        return aggregate.partition("-")[0] == self.aggregate_kind

    def erased_by(self, topic: str) -> bool:
        """Whether tombstones on the topic erase documents of this projection."""
        return self.state and any(topic_of(type) == topic for type in self.types)


class Diverged(Exception):
    """The aggregate's row already contains another event with the same sequence."""


@dataclass
class ProjectedRow:
    """A projected document while events are folded into it. The sequence of a new aggregate is 0."""

    projection: Projection
    merchant_id: UUID
    aggregate: str
    stored_sequence: int = 0
    """The sequence in the database when the row was loaded."""
    sequence: int = 0
    event_id: UUID | None = None
    """None if the event at `sequence` was discarded."""
    customer_id: UUID | None = None
    doc: Document | None = None
    stale_since: datetime | None = None
    early: dict[int, Envelope] = field(default_factory=dict)
    """By sequence: events that arrived before one of their predecessors."""
    buffered: set[int] = field(default_factory=set)
    """Sequences of early events that are not stored yet."""
    released: set[int] = field(default_factory=set)
    """Sequences of stored early events that are no longer early."""
    changed: bool = False
    stored: bool = False
    """Whether the database has the row."""

    @property
    def key(self) -> tuple[UUID, str, str]:
        return self.merchant_id, self.projection.name, self.aggregate

    @property
    def steps(self) -> int:
        """The number of sequences between the stored row and this one."""
        return self.sequence - self.stored_sequence

    @property
    def empty(self) -> bool:
        """Whether there is nothing to store: the aggregate was erased or has no event yet."""
        return self.sequence == 0

    def apply(self, envelope: Envelope) -> None:
        """Fold the event if it is the next one, and then the early events that follow it. Buffer an early event, ignore a
        known one.

        Raises Diverged if another event has the same sequence, and the errors of the fold.
        """
        sequence = envelope.sequence
        if sequence == self.sequence and self.event_id not in (None, envelope.id):
            raise Diverged(f"{self.projection.name} shows another event at {sequence}")
        if sequence <= self.sequence:
            return
        if self.projection.state or sequence == self.sequence + 1:
            self._fold(envelope)
            self._apply_early()
        elif (known := self.early.get(sequence)) is None:
            self.early[sequence] = envelope
            self.buffered.add(sequence)
            self.mark_stale()
        elif known.id != envelope.id:
            raise Diverged(f"another event waits for {self.projection.name} at {sequence}")

    def skip(self, sequence: int | None) -> None:
        """Skip the event at `sequence` or, if None, everything before the first early event."""
        if sequence is None and self.early:
            sequence = min(self.early) - 1
        precedes_early = sequence is not None and sequence > self.sequence and sequence + 1 in self.early
        if sequence is not None and (precedes_early or sequence == self.sequence + 1):
            self.sequence, self.event_id = sequence, None
        self.changed = True
        self._apply_early()

    def mark_stale(self) -> None:
        if self.stale_since is None:
            self.stale_since, self.changed = datetime.now(UTC), True

    def erase(self) -> None:
        self.sequence, self.event_id, self.doc, self.customer_id, self.stale_since = 0, None, None, None, None
        self.changed = True

    def _fold(self, envelope: Envelope) -> None:
        if envelope.type in self.projection.types:
            self.doc = self.projection.fold(self.doc, envelope)
        self.sequence, self.event_id = envelope.sequence, envelope.id
        self.customer_id = envelope.customerid or self.customer_id
        self.changed = True

    def _apply_early(self) -> None:
        while (envelope := self.early.pop(self.sequence + 1, None)) is not None:
            self._fold(envelope)
            self._release(envelope.sequence)
        for sequence in [sequence for sequence in self.early if sequence <= self.sequence]:
            del self.early[sequence]
            self._release(sequence)
        if not self.early:
            self.stale_since = None

    def _release(self, sequence: int) -> None:
        if sequence in self.buffered:
            self.buffered.discard(sequence)
        else:
            self.released.add(sequence)
