"""Everything that was read, on disk, divided into parts that no check relates to each other.

The checks relate data of one customer, or of one merchant's or plan's stream. So each item belongs to one of many buckets, by
the customer. A datum that names two customers, as damaged data may, joins their buckets. Memory holds one part at a time.
"""

import pickle
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from verify.recorded_state import RecordedState
from verify.routes import OF_RECORDS, SHARED, Node, of_event, of_record, of_row
from verify.rows import Cut, Event, Record, Row, Snapshot
from verify.topics import envelope_of

_BUCKETS = 4096
_PART_SIZE = 2_000
"""Items that are judged together, if no single customer has more. An item of a typical history takes about 10 KB in memory."""
_BUFFERED_MAX = 8_000
_CACHE_KIB = 24_576

_EVENT, _RECORD, _ROW = range(3)


@dataclass
class Spool:
    """A private temporary database of SQLite, which is deleted when it is closed or the process ends."""

    part_size: int = _PART_SIZE
    events: int = 0
    records: int = 0
    taken_at: dict[str, datetime] = field(default_factory=dict)
    """The time of each database's snapshot."""
    leaks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By database: `<table> <row>` of each row with a card number."""
    other_leaks: list[str] = field(default_factory=list)
    """Records and log files with a card number."""
    undecodable: list[str] = field(default_factory=list)
    shared: dict[tuple[str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))
    """Few and small rows, by database and table, which every part has."""
    joined: int = 0
    """How often buckets were joined. Undamaged data joins none."""

    def __post_init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript(
            f"""
            PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
            CREATE TABLE home (node BLOB PRIMARY KEY, bucket INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TABLE chunk (bucket INTEGER NOT NULL, items BLOB NOT NULL);
            CREATE TABLE later (items BLOB NOT NULL);
            BEGIN;
            """
        )
        self._parent = list(range(_BUCKETS))
        self._sizes = [0] * _BUCKETS
        self._buffer: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        self._buffered = 0
        self._later: list[tuple[Any, ...]] = []

    def close(self) -> None:
        self._file.close()

    def add_event(self, database: str, event: Event) -> None:
        self.events += 1
        fields = tuple(getattr(event, name) for name in Event.__slots__)
        self._add(of_event(event), (_EVENT, database, fields))

    def add_record(self, record: Record) -> None:
        self.records += 1
        fields = record.topic, record.partition, record.offset, record.key, record.value, record.settled
        self._add(of_record(record), (_RECORD, fields))

    def add_row(self, database: str, table: str, row: Row) -> None:
        if table in SHARED:
            self.shared[database, table].append(row)
        elif table in OF_RECORDS:
            self._later.append((database, table, row))
            if len(self._later) >= _BUFFERED_MAX:
                self._flush_later()
        else:
            self._add(of_row(table, row), (_ROW, database, table, row))

    def parts(self, cut: Cut) -> Iterator[RecordedState]:
        """At least one part. The first one has the leaks."""
        self._flush_later()
        for (items,) in self._file.execute("SELECT items FROM later ORDER BY rowid"):
            for database, table, row in _unpacked(items):
                self._add(of_row(table, row), (_ROW, database, table, row))
        self._flush()
        self._file.execute("CREATE INDEX IF NOT EXISTS by_bucket ON chunk (bucket)")
        first = True
        for buckets in self._groups():
            yield self._part(buckets, cut, first)
            first = False

    def _add(self, nodes: Sequence[Node], item: tuple[Any, ...]) -> None:
        bucket = self._bucket_of(nodes)
        self._buffer[bucket].append(item)
        self._sizes[bucket] += 1
        self._buffered += 1
        if self._buffered >= _BUFFERED_MAX:
            self._flush()

    def _bucket_of(self, nodes: Sequence[Node]) -> int:
        """The bucket of all these nodes, joined if they had several. New nodes get it too."""
        known: list[int] = []
        new: list[bytes] = []
        for node in nodes:
            if node.is_owner:
                known.append(node.hash % _BUCKETS)
            elif (row := self._file.execute("SELECT bucket FROM home WHERE node = ?", (node.digest,)).fetchone()) is not None:
                known.append(row[0])
            elif node.binding:
                new.append(node.digest)
        bucket = known[0] if known else nodes[0].hash % _BUCKETS
        for other in known[1:]:
            self._join(bucket, other)
        if new:
            self._file.executemany("INSERT OR IGNORE INTO home VALUES (?, ?)", ((digest, bucket) for digest in new))
        return bucket

    def _root(self, bucket: int) -> int:
        while self._parent[bucket] != bucket:
            bucket = self._parent[bucket]
        return bucket

    def _join(self, one: int, other: int) -> None:
        if (root := self._root(one)) != (moved := self._root(other)):
            self._parent[moved] = root
            self.joined += 1

    def _flush(self) -> None:
        chunks = ((bucket, _packed(items)) for bucket, items in self._buffer.items())
        self._file.executemany("INSERT INTO chunk VALUES (?, ?)", chunks)
        self._buffer.clear()
        self._buffered = 0

    def _flush_later(self) -> None:
        self._file.execute("INSERT INTO later VALUES (?)", (_packed(self._later),))
        self._later.clear()

    def _groups(self) -> Iterator[list[int]]:
        """Joined buckets stay together; small ones share a part."""
        groups: dict[int, list[int]] = defaultdict(list)
        for bucket, size in enumerate(self._sizes):
            if size:
                groups[self._root(bucket)].append(bucket)
        part: list[int] = []
        size = 0
        for group in groups.values():
            of_group = sum(self._sizes[bucket] for bucket in group)
            if part and size + of_group > self.part_size:
                yield part
                part, size = [], 0
            part += group
            size += of_group
        yield part

    def _part(self, buckets: Sequence[int], cut: Cut, first: bool) -> RecordedState:
        events: dict[str, list[Event]] = defaultdict(list)
        tables: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        records: list[Record] = []
        for kind, *item in self._items(buckets):
            if kind == _EVENT:
                database, fields = item
                events[database].append(Event(*fields))
            elif kind == _RECORD:
                topic, partition, offset, key, value, settled = item[0]
                records.append(Record(topic, partition, offset, key, value, envelope_of(value), settled))
            else:
                database, table, row = item
                tables[database][table].append(row)
        for (database, table), rows in self.shared.items():
            tables[database][table] = [*rows]
        for of_database in events.values():
            of_database.sort(key=lambda event: event.position)
        records.sort(key=lambda record: (record.topic, record.partition, record.offset))
        snapshots: Mapping[str, Snapshot] = {
            name: Snapshot(at, events[name], tables[name], self.leaks[name] if first else ())
            for name, at in self.taken_at.items()
        }
        return RecordedState(cut, snapshots, records, self.other_leaks if first else (), self.undecodable if first else ())

    def _items(self, buckets: Iterable[int]) -> Iterator[tuple[Any, ...]]:
        for bucket in buckets:
            for (items,) in self._file.execute("SELECT items FROM chunk WHERE bucket = ? ORDER BY rowid", (bucket,)):
                yield from _unpacked(items)


def _packed(items: list[tuple[Any, ...]]) -> bytes:
    return zlib.compress(pickle.dumps(items, protocol=5), 1)


def _unpacked(items: bytes) -> list[tuple[Any, ...]]:
    """Only of `_packed`: this process has written them."""
    unpacked: list[tuple[Any, ...]] = pickle.loads(zlib.decompress(items))
    return unpacked
