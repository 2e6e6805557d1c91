"""I1: from the event store to the topic, and from the topic to every consumer."""

from collections import defaultdict
from collections.abc import Iterator

from billing_contracts.customers import CustomerProfile
from billing_contracts.envelope import record_key
from chassis.consumers import Projection
from verify.consumers import SERVICE_CONSUMERS, ServiceConsumer
from verify.quarantined import Quarantined
from verify.recorded_state import RecordedState
from verify.rows import Name, Record

PROFILES = CustomerProfile.topic()


def delivered(recorded: RecordedState) -> Iterator[str]:
    yield from recorded.undecodable
    yield from committed_events_are_on_their_topics(recorded)
    yield from topics_match_the_streams(recorded)
    yield from profiles_are_published(recorded)
    quarantine = Quarantined(recorded)
    for service in SERVICE_CONSUMERS:
        yield from reacted(recorded, service, quarantine)
        for projection in service.consumer.projections:
            yield from projected(recorded, service, projection)


def committed_events_are_on_their_topics(recorded: RecordedState) -> Iterator[str]:
    for database, snapshot in recorded.snapshots.items():
        for event in snapshot.events:
            record = recorded.first.get(event.event_id)
            if event.position <= recorded.cut.committed[database] and (record is None or not record.settled):
                yield f"{event.stream} version {event.version} ({event.name}) of {database} never reached {event.topic}"


def topics_match_the_streams(recorded: RecordedState) -> Iterator[str]:
    """Every record is a stored event, in the order of its stream. Identical repetitions are allowed."""
    last: dict[tuple[str, bytes | None], int] = defaultdict(int)
    for record, envelope in recorded.readable:
        if record.topic == PROFILES:
            continue
        event = recorded.events.get(envelope.id)
        if event is None:
            if record.settled:
                yield f"{record.place} ({envelope.subject} version {envelope.sequence}) is in no store"
            continue
        expected = event.topic, record_key(event.merchant_id, event.stream), event.value
        if (record.topic, record.key, record.value) != expected:
            yield f"{record.place} differs from {event.stream} version {event.version} in the store"
        if recorded.first[envelope.id] is record:
            before, last[record.topic, record.key] = last[record.topic, record.key], envelope.sequence
            if envelope.sequence != before + 1:
                yield f"{record.place}: {envelope.subject} version {envelope.sequence} follows version {before}"


def profiles_are_published(recorded: RecordedState) -> Iterator[str]:
    """The compacted topic ends with the profile in the owner's table, unless the outbox still has a row for it."""
    latest: dict[bytes | None, Record] = {record.key: record for record in recorded.records if record.topic == PROFILES}
    unsent = {row["key"] for row in recorded.rows("subscriptions", "outbox")}
    for row in recorded.rows("subscriptions", "customers"):
        key = record_key(row["merchant_id"], f"customer-{row['id']}")
        if key in unsent:
            continue
        record = latest.get(key)
        envelope = record.envelope if record else None
        if row["erased_at"] is not None:
            if record is not None and record.value is not None:
                yield f"customer-{row['id']} is erased, and {PROFILES} still has the profile"
        elif record is not None and record.value is None:
            if record.settled:
                yield f"customer-{row['id']} is erased on {PROFILES}, and not in the table"
        elif envelope is None or envelope.sequence < row["revision"]:
            yield f"customer-{row['id']} revision {row['revision']} never reached {PROFILES}"
        elif envelope.sequence == row["revision"] and any(row.get(name) != value for name, value in envelope.data.items()):
            yield f"customer-{row['id']} revision {row['revision']} differs on {PROFILES} from the table"


def reacted(recorded: RecordedState, service: ServiceConsumer, quarantine: Quarantined) -> Iterator[str]:
    """The group's inbox has every event with a reaction. Its primary key excludes duplicates."""
    consumer = service.consumer
    inbox = recorded.rows(service.database, "inbox")
    handled = {row["event_id"] for row in inbox if row["consumer_group"] == consumer.group}
    discarded, quarantined = quarantine.discarded(consumer.group), quarantine.quarantined(consumer.group)
    for id, record in recorded.first.items():
        envelope = record.envelope
        if envelope is None or not record.settled or record.topic not in consumer.topics:
            continue
        if envelope.type in consumer.reactions and id not in handled and id not in discarded:
            why = "it is in quarantine" if id in quarantined else "its inbox does not have it"
            yield f"{consumer.group} did not handle {envelope.subject} version {envelope.sequence} ({envelope.type}): {why}"


def projected(recorded: RecordedState, service: ServiceConsumer, projection: Projection) -> Iterator[str]:
    """Each aggregate's document shows its last event."""
    shown = {
        (row["merchant_id"], row["aggregate"]): row["sequence"]
        for row in recorded.rows(service.database, "projection")
        if row["name"] == projection.name
    }
    erased = _erased(recorded) if projection.state else set()
    for name, messages in recorded.published.items():
        relevant = projection.projects(name[1]) or any(envelope.type in projection.types for _, envelope in messages)
        settled = recorded.settled(name)
        if not relevant or settled == 0 or name in erased or messages[0][0].topic not in service.consumer.topics:
            continue
        if (version := shown.get(name, 0)) < settled:
            yield f"{service.database}'s {projection.name} shows {name[1]} at version {version} of {settled}"


def _erased(recorded: RecordedState) -> set[Name]:
    """The aggregates with a tombstone as their last record."""
    last = {record.key: record for record in recorded.records if record.topic == PROFILES}
    gone = {key for key, record in last.items() if record.value is None}
    return {name for name in recorded.published if record_key(*name) in gone}
