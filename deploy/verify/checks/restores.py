"""I18: no stream is under review after a restore."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from uuid import UUID

from chassis.eventsourcing.lost_events import LOST, UNDER_REVIEW
from verify.recorded_state import RecordedState
from verify.rows import Event, Name
from verify.topics import envelope_of


def nothing_under_review(recorded: RecordedState) -> Iterator[str]:
    """Every blocked stream, with its lost writes and their amounts."""
    for database, snapshot in recorded.snapshots.items():
        lost: Mapping[Name, list[Event]] = defaultdict(list)
        for event in snapshot.events:
            if event.name == LOST and event.schema == UNDER_REVIEW:
                lost[event.of].append(event)
        for row in snapshot.rows("blocked_streams"):
            if row["released_at"] is not None:
                continue
            names = [
                _described(event) for event in sorted(lost[row["merchant_id"], row["stream"]], key=lambda each: each.version)
            ]
            versions = f"the store has version {row['store_version']}, the topic {row['topic_version']}"
            yield f"{database}: {row['stream']} is blocked ({row['kind']}): {versions}; lost: {', '.join(names) or 'none'}"


def blocked_ids(recorded: RecordedState) -> frozenset[str]:
    """The ids of aggregates under review. Differences that name one of them follow from the loss."""
    return frozenset(
        str(UUID(row["stream"].partition("-")[2]))
        for snapshot in recorded.snapshots.values()
        for row in snapshot.rows("blocked_streams")
        if row["released_at"] is None
    )


def _described(event: Event) -> str:
    envelope = envelope_of(event.value)
    if envelope is None:
        return f"version {event.version}"
    amount = next((envelope.data[name] for name in ("total", "amount") if name in envelope.data), None)
    money = f" {amount['amount_minor']} {amount['currency']}" if isinstance(amount, dict) else ""
    return f"{envelope.type.split('.')[2]}{money}"
