"""What a service does about the events of others, said in one place per consumer group."""

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
Changed = AbstractSet[tuple[UUID, UUID]]
"""(merchant, customer) pairs"""


@dataclass(frozen=True)
class Consumer:
    group: str
    """`<service>.<purpose>`"""
    topics: tuple[str, ...]
    decode: Decode
    """The contracts' `registry.data_of`."""
    reactions: Mapping[str, Reaction] = field(default_factory=dict)
    """By event type. An event is handled once per group, for ever."""
    streams: Mapping[str, Callable[[Received[Any]], Sequence[Stream]]] = field(default_factory=dict)
    """By event type: the streams that its reaction will ask, so that a batch reads them all in one query."""
    projections: tuple[Projection, ...] = ()
    after: Callable[[asyncpg.Connection, Changed], Awaitable[None]] | None = None
    """Called in the batch's transaction with whose projected documents changed, when any did."""
    erased: Callable[[Erased, UnitOfWork], Awaitable[None]] | None = None
    """Called for a tombstone of a compacted topic, whose projected documents are deleted without it."""
    committed: Callable[[Changed], None] | None = None
    """Called after the commit with whose projected documents changed, when any did. Records are then fetched as soon as there are
    any, instead of being gathered at the broker.
    """
    personal: frozenset[str] = frozenset()
    """Topics whose values are personal data: never kept in clear."""

    @property
    def concerns(self) -> frozenset[str]:
        """The event types that it handles."""
        return frozenset(self.reactions).union(*(each.types for each in self.projections))

    @property
    def kinds(self) -> frozenset[str]:
        """Of the aggregates that it projects: each of their events counts, whatever its type."""
        return frozenset(each.shown for each in self.projections)

    @property
    def erasable(self) -> frozenset[str]:
        """The topics on which a record without a value erases what its key names."""
        return self.personal | {topic for topic in self.topics if any(each.erased_by(topic) for each in self.projections)}
