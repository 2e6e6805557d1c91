"""The data that the checks compare.

Snapshots were taken after every consumer had passed the cut, and the records were read after the snapshots. So everything
before the cut has its effects in every snapshot, and everything in a snapshot is among the records.
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
    """Records and log files with a card number."""
    undecodable: Sequence[str] = ()
    """Record sets that cannot be decoded."""

    def rows(self, database: str, table: str) -> Sequence[Row]:
        return self.snapshots[database].rows(table)

    @cached_property
    def events(self) -> Mapping[UUID, Event]:
        return {event.event_id: event for snapshot in self.snapshots.values() for event in snapshot.events}

    @cached_property
    def folded(self) -> Mapping[str, Folded]:
        """The folded streams by database."""
        return {name: fold(name, snapshot.events) for name, snapshot in self.snapshots.items()}

    def streams(self, database: str, kind: str) -> Iterator[StreamHistory]:
        """Every stream of the kind that can be folded. I11 reports the others."""
        return (stream for stream in self.folded[database].streams.values() if stream.kind == kind)

    @cached_property
    def readable(self) -> Sequence[tuple[Record, Envelope]]:
        """Every record with an envelope, including repetitions."""
        return [(record, record.envelope) for record in self.records if record.envelope is not None]

    @cached_property
    def first(self) -> Mapping[UUID, Record]:
        """The first record of each event."""
        records: dict[UUID, Record] = {}
        for record, envelope in self.readable:
            records.setdefault(envelope.id, record)
        return records

    @cached_property
    def published(self) -> Mapping[Name, Sequence[tuple[Record, Envelope]]]:
        """The published events of each aggregate in the order of its stream, without repetitions."""
        published: dict[Name, list[tuple[Record, Envelope]]] = defaultdict(list)
        for record, envelope in self.readable:
            if self.first[envelope.id] is record:
                published[envelope.merchantid, envelope.subject].append((record, envelope))
        for messages in published.values():
            messages.sort(key=lambda message: message[1].sequence)
        return published

    @cached_property
    def _versions(self) -> Mapping[Name, int]:
        versions: dict[Name, int] = defaultdict(int)
        for snapshot in self.snapshots.values():
            for event in snapshot.events:
                versions[event.of] = max(versions[event.of], event.version)
        return versions

    def settled(self, name: Name) -> int:
        """The aggregate's last published version before the cut, or 0."""
        return max((envelope.sequence for record, envelope in self.published.get(name, ()) if record.settled), default=0)

    def at_rest(self, merchant_id: UUID, *aggregates: str) -> bool:
        """Whether these aggregates have no event since the cut, so that all their effects exist."""
        names = [(merchant_id, aggregate) for aggregate in aggregates]
        return all(self.settled(name) >= max(self._versions.get(name, 0), self._last_published(name)) for name in names)

    def _last_published(self, name: Name) -> int:
        return max((envelope.sequence for _, envelope in self.published.get(name, ())), default=0)
