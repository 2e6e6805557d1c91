"""Rows, events and records as they were read, and the cut between settled data and data in progress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_contracts.envelope import Envelope

Row = Mapping[str, Any]
"""A row by column; JSON as Python values."""
Position = tuple[int, int, int]
"""(epoch, transaction, position): the order in which the relay sends."""
Name = tuple[UUID, str]
"""(merchant, `<kind>-<uuid>`)"""
Key = tuple[UUID, UUID]
"""(merchant, id)"""
Partition = tuple[str, int]


def same_json(stored: Any, expected: Any) -> bool:
    """Whether both are equal. A stored object may lack fields that are null: it was stored before they were added."""
    if isinstance(stored, dict) and isinstance(expected, dict):
        known = stored.keys() <= expected.keys()
        return known and all(same_json(stored.get(name), value) for name, value in expected.items())
    if isinstance(stored, list) and isinstance(expected, list):
        return len(stored) == len(expected) and all(map(same_json, stored, expected))
    return bool(stored == expected)


@dataclass(frozen=True, slots=True)
class Event:
    """A row of an `events` table."""

    position: Position
    merchant_id: UUID
    stream: str
    version: int
    event_id: UUID
    name: str
    schema: int
    body: str
    topic: str
    value: bytes

    @property
    def of(self) -> Name:
        return self.merchant_id, self.stream


@dataclass(frozen=True)
class Snapshot:
    """One database at one instant."""

    taken_at: datetime
    events: Sequence[Event] = ()
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    leaks: Sequence[str] = ()
    """`<table> <row>` of each row with a card number."""

    def rows(self, table: str) -> Sequence[Row]:
        return self.tables.get(table, ())


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record. `envelope` is None for undecodable values and tombstones."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    envelope: Envelope | None
    settled: bool
    """Whether it is before the cut: every consumer had processed it before the snapshots."""

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class Cut:
    committed: Mapping[str, Position]
    """The last event by database, at the time of the cut."""
    ends: Mapping[Partition, int]
    """The next offset of each partition, after the relays had sent all committed events."""
