"""The private streams, folded with the rules of their owners."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.lost_events import LOST
from invoicing.application.aggregates import INVOICE
from payments.application.aggregates import PAYMENT, WALLET
from subscriptions.application.aggregates import MERCHANT, PLAN, SUBSCRIPTION
from verify.rows import Event, Name

AGGREGATES: Mapping[str, Mapping[str, Aggregate[Any, Any, Any]]] = {
    "subscriptions": {aggregate.kind: aggregate for aggregate in (MERCHANT, PLAN, SUBSCRIPTION)},
    "payments": {aggregate.kind: aggregate for aggregate in (WALLET, PAYMENT)},
    "invoicing": {INVOICE.kind: INVOICE},
}


@dataclass(frozen=True)
class StreamHistory:
    """One stream: its private events and its state."""

    merchant_id: UUID
    name: str
    version: int
    events: Sequence[Any]
    state: Any

    @property
    def kind(self) -> str:
        return self.name.partition("-")[0]

    @property
    def id(self) -> UUID:
        return UUID(self.name.partition("-")[2])


@dataclass(frozen=True)
class Folded:
    rows: Mapping[Name, Sequence[Event]] = field(default_factory=dict)
    """The rows of each stream by version."""
    streams: Mapping[Name, StreamHistory] = field(default_factory=dict)
    failures: Mapping[Name, str] = field(default_factory=dict)
    """The reason for each stream that cannot be folded."""


def fold(database: str, events: Iterable[Event]) -> Folded:
    rows: dict[Name, list[Event]] = defaultdict(list)
    for event in events:
        rows[event.of].append(event)
    streams: dict[Name, StreamHistory] = {}
    failures: dict[Name, str] = {}
    for name, stream in rows.items():
        stream.sort(key=lambda event: event.version)
        if not (known := [event for event in stream if event.name != LOST]):
            continue
        try:
            streams[name] = history_of(database, known)
        except Exception as error:
            failures[name] = f"{type(error).__name__}: {error}"
    return Folded(rows, streams, failures)


def history_of(database: str, rows: Sequence[Event]) -> StreamHistory:
    """Raises every error of decoding and folding."""
    first = rows[0]
    aggregate = AGGREGATES[database][first.stream.partition("-")[0]]
    events = [aggregate.codec.decode(row.name, row.schema, row.body) for row in rows]
    return StreamHistory(first.merchant_id, first.stream, rows[-1].version, events, aggregate.decider.fold(events))
