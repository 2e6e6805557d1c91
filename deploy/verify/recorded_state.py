"""Everything that was read, and what follows from it.

Snapshots were taken after every consumer had passed the cut, and the records were read after the snapshots. So whatever lies
before the cut has had all its effects in every snapshot, and whatever a snapshot shows is among the records.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from billing_contracts.envelope import Envelope
from verify.rows import Cut, Event, Name, Record, Row, Snapshot
from verify.streams import Folded, StreamHistory, fold


@dataclass(frozen=True)
class RecordedState:
    cut: Cut
    snapshots: Mapping[str, Snapshot]
    records: Sequence[Record]
    """By topic, partition and offset."""
    leaks: Sequence[str] = ()
    """Records and log files that hold a card's number."""
    undecodable: Sequence[str] = ()
    """Record sets that no client can read."""

    def rows(self, database: str, table: str) -> Sequence[Row]:
        return self.snapshots[database].rows(table)

    @cached_property
    def events(self) -> Mapping[UUID, Event]:
        return {event.event_id: event for snapshot in self.snapshots.values() for event in snapshot.events}

    @cached_property
    def folded(self) -> Mapping[str, Folded]:
        """By database: its streams, folded."""
        return {name: fold(name, snapshot.events) for name, snapshot in self.snapshots.items()}

    def stories(self, database: str, kind: str) -> Iterator[StreamHistory]:
        """Every stream of the kind that can be folded; that one cannot be is a difference of its own."""
        return (story for story in self.folded[database].stories.values() if story.kind == kind)

    @cached_property
    def readable(self) -> Sequence[tuple[Record, Envelope]]:
        """Every record with an envelope, repetitions included."""
        return [(record, record.envelope) for record in self.records if record.envelope is not None]

    @cached_property
    def first(self) -> Mapping[UUID, Record]:
        """Where each event appears for the first time."""
        found: dict[UUID, Record] = {}
        for record, envelope in self.readable:
            found.setdefault(envelope.id, record)
        return found

    @cached_property
    def history(self) -> Mapping[Name, Sequence[tuple[Record, Envelope]]]:
        """Each aggregate's events in the order of its stream, each once."""
        found: dict[Name, list[tuple[Record, Envelope]]] = defaultdict(list)
        for record, envelope in self.readable:
            if self.first[envelope.id] is record:
                found[envelope.merchantid, envelope.subject].append((record, envelope))
        for story in found.values():
            story.sort(key=lambda told: told[1].sequence)
        return found

    @cached_property
    def _versions(self) -> Mapping[Name, int]:
        found: dict[Name, int] = defaultdict(int)
        for snapshot in self.snapshots.values():
            for event in snapshot.events:
                found[event.of] = max(found[event.of], event.version)
        return found

    def settled(self, name: Name) -> int:
        """The aggregate's last version before the cut; 0 for none."""
        return max((envelope.sequence for record, envelope in self.history.get(name, ()) if record.settled), default=0)

    def at_rest(self, merchant_id: UUID, *aggregates: str) -> bool:
        """Whether nothing happened to these aggregates since the cut: all that follows from them has been done."""
        names = [(merchant_id, aggregate) for aggregate in aggregates]
        return all(self.settled(name) >= max(self._versions.get(name, 0), self._told(name)) for name in names)

    def _told(self, name: Name) -> int:
        return max((envelope.sequence for _, envelope in self.history.get(name, ())), default=0)
