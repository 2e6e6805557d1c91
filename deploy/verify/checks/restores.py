"""I18: no stream is under review after a restore. Lost events explain differences that other invariants would report."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from uuid import UUID

from billing_contracts.invoicing import CreditNoteIssued, InvoiceIssued
from billing_contracts.registry import data_of
from chassis.eventsourcing.lost_events import LOST
from verify.recorded_state import RecordedState
from verify.rows import Event, Name
from verify.topics import envelope_of

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def nothing_under_review(recorded: RecordedState) -> Iterator[str]:
    """Every blocked stream, with its lost writes and their amounts."""
    for database, snapshot in recorded.snapshots.items():
        lost: dict[Name, list[Event]] = defaultdict(list)
        for event in lost_events(snapshot.events):
            lost[event.of].append(event)
        for row in snapshot.rows("blocked_streams"):
            if row["released_at"] is None:
                events = sorted(lost[row["merchant_id"], row["stream"]], key=lambda each: each.version)
                versions = f"the store has version {row['store_version']}, the topic {row['topic_version']}"
                writes = ", ".join(map(_described, events)) or "none"
                yield f"{database}: {row['stream']} is blocked ({row['kind']}): {versions}; lost: {writes}"


def unexplained(differences: Iterable[str], ids: frozenset[str]) -> Iterator[str]:
    """The differences that name none of these aggregates, which have a loss. The others follow from what I18 reports, or from
    what an operator has accepted with the release of the stream."""
    return (line for line in differences if not ids or ids.isdisjoint(_ID.findall(line)))


def lost_numbers(recorded: RecordedState) -> Iterator[tuple[UUID, str, int, date, str]]:
    """(merchant, series, ordinal, date, number) of each invoice or credit note of which only the public event is left."""
    for event in lost_events(recorded.snapshots["invoicing"].events):
        envelope = envelope_of(event.value)
        if envelope is not None and envelope.type in (InvoiceIssued.TYPE, CreditNoteIssued.TYPE):
            issued = data_of(envelope)
            assert isinstance(issued, InvoiceIssued | CreditNoteIssued)
            series, _, ordinal = issued.number.rpartition("-")
            yield event.merchant_id, series, int(ordinal), issued.issued_on, issued.number


def lost_events(events: Iterable[Event]) -> Iterator[Event]:
    return (event for event in events if event.name == LOST)


def ids_with_a_loss(recorded: RecordedState) -> frozenset[str]:
    """The ids of these aggregates, and of the charges of lost payments."""
    ids = set()
    for snapshot in recorded.snapshots.values():
        ids |= {row["stream"].partition("-")[2] for row in snapshot.rows("blocked_streams")}
        for event in lost_events(snapshot.events):
            ids.add(event.stream.partition("-")[2])
            if (envelope := envelope_of(event.value)) and (charge := envelope.data.get("charge_id")):
                ids.add(str(charge))
    return frozenset(ids)


def _described(event: Event) -> str:
    envelope = envelope_of(event.value)
    if envelope is None:
        return f"version {event.version}"
    amount = next((envelope.data[name] for name in ("total", "amount") if name in envelope.data), None)
    money = f" {amount['amount_minor']} {amount['currency']}" if isinstance(amount, dict) else ""
    return f"{envelope.type.split('.')[2]}{money}"
