"""The declaration of one consumer group: its topics, reactions and projections."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from chassis.consumers.unit_of_work import UnitOfWork
from chassis.decoding import Decode, Erased, Received
from chassis.eventsourcing.stream import Stream
from chassis.projections.projection import Projection

Reaction = Callable[[Received[Any], UnitOfWork], Awaitable[None]]
CustomerKey = tuple[UUID, UUID]
"""(merchant, customer)"""
Changed = AbstractSet[CustomerKey]


@dataclass(frozen=True)
class Consumer:
    group: str
    """`<service>.<purpose>`"""
    topics: tuple[str, ...]
    decode: Decode
    """The contracts' `registry.data_of`."""
    reactions: Mapping[str, Reaction] = field(default_factory=dict)
    """By event type. The inbox guarantees that a group handles an event once."""
    streams_to_load: Mapping[str, Callable[[Received[Any]], Sequence[Stream]]] = field(default_factory=dict)
    """By event type: the streams that the reaction loads. A batch reads all of them in one query."""
    projections: tuple[Projection, ...] = ()
    before_commit: Callable[[asyncpg.Connection, Changed], Awaitable[None]] | None = None
    """Called at the end of the batch's transaction with the customers of the changed documents, if any."""
    on_erased: Callable[[Erased, UnitOfWork], Awaitable[None]] | None = None
    """Called for a tombstone of a compacted topic. The projected documents are deleted in any case."""
    after_commit: Callable[[Changed], None] | None = None
    """Called after the commit with the customers of the changed documents, if any. If set, the broker answers a fetch as soon
    as one record exists; otherwise it batches records.
    """
    personal_topics: frozenset[str] = frozenset()
    """Topics that carry personal data. The quarantine stores no values of these topics."""

    @property
    def handled_types(self) -> frozenset[str]:
        """The event types with a reaction or a projection."""
        return frozenset(self.reactions).union(*(each.types for each in self.projections))

    @property
    def projected_kinds(self) -> frozenset[str]:
        """The kinds of the projected aggregates. Each of their events advances the sequence, even of another type."""
        return frozenset(each.aggregate_kind for each in self.projections)

    @property
    def erasable_topics(self) -> frozenset[str]:
        """The topics on which a tombstone erases the aggregate of its key."""
        return self.personal_topics | {topic for topic in self.topics if any(each.erased_by(topic) for each in self.projections)}
