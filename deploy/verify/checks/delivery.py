"""I1: from the store to the topic, from the topic to every reader."""

from collections import defaultdict
from collections.abc import Iterator

from billing_contracts.customers import CustomerProfile
from billing_contracts.envelope import record_key
from chassis.consumers import Projection
from verify.consumers import READERS, Reader
from verify.quarantined import Quarantined
from verify.recorded_state import RecordedState
from verify.rows import Name, Record

PROFILES = CustomerProfile.topic()


def delivered(world: RecordedState) -> Iterator[str]:
    yield from world.undecodable
    yield from committed_events_are_on_their_topics(world)
    yield from topics_hold_nothing_else_in_no_other_order(world)
    yield from profiles_are_announced(world)
    excuses = Quarantined(world)
    for reader in READERS:
        yield from reacted(world, reader, excuses)
        for projection in reader.consumer.projections:
            yield from projected(world, reader, projection)


def committed_events_are_on_their_topics(world: RecordedState) -> Iterator[str]:
    for database, snapshot in world.snapshots.items():
        for event in snapshot.events:
            record = world.first.get(event.event_id)
            if event.position <= world.cut.committed[database] and (record is None or not record.settled):
                yield f"{event.stream} version {event.version} ({event.name}) of {database} never reached {event.topic}"


def topics_hold_nothing_else_in_no_other_order(world: RecordedState) -> Iterator[str]:
    """Repetitions are allowed, byte by byte."""
    last: dict[tuple[str, bytes | None], int] = defaultdict(int)
    for record, envelope in world.readable:
        if record.topic == PROFILES:
            continue
        event = world.events.get(envelope.id)
        if event is None:
            if record.settled:
                yield f"{record.place} ({envelope.subject} version {envelope.sequence}) is in no store"
            continue
        expected = event.topic, record_key(event.merchant_id, event.stream), event.value
        if (record.topic, record.key, record.value) != expected:
            yield f"{record.place} says something else of {event.stream} than version {event.version} in the store"
        if world.first[envelope.id] is record:
            before, last[record.topic, record.key] = last[record.topic, record.key], envelope.sequence
            if envelope.sequence != before + 1:
                yield f"{record.place}: {envelope.subject} version {envelope.sequence} follows version {before}"


def profiles_are_announced(world: RecordedState) -> Iterator[str]:
    """The compacted topic ends with what the owner's table says; what waits in the outbox is on its way."""
    latest: dict[bytes | None, Record] = {record.key: record for record in world.records if record.topic == PROFILES}
    on_their_way = {row["key"] for row in world.rows("subscriptions", "outbox")}
    for row in world.rows("subscriptions", "customers"):
        key = record_key(row["merchant_id"], f"customer-{row['id']}")
        if key in on_their_way:
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
            yield f"customer-{row['id']} revision {row['revision']} is another on {PROFILES} than in the table"


def reacted(world: RecordedState, reader: Reader, excuses: Quarantined) -> Iterator[str]:
    """Whether the group's inbox has every event with a reaction; that it has none twice, its key sees to."""
    consumer = reader.consumer
    inbox = world.rows(reader.database, "inbox")
    handled = {row["event_id"] for row in inbox if row["consumer_group"] == consumer.group}
    discarded, aside = excuses.discarded(consumer.group), excuses.quarantined(consumer.group)
    for id, record in world.first.items():
        envelope = record.envelope
        if envelope is None or not record.settled or record.topic not in consumer.topics:
            continue
        if envelope.type in consumer.reactions and id not in handled and id not in discarded:
            why = "it lies in quarantine" if id in aside else "its inbox does not know it"
            yield f"{consumer.group} did not handle {envelope.subject} version {envelope.sequence} ({envelope.type}): {why}"


def projected(world: RecordedState, reader: Reader, projection: Projection) -> Iterator[str]:
    """Whether each aggregate's document shows its last event."""
    shown = {
        (row["merchant_id"], row["aggregate"]): row["sequence"]
        for row in world.rows(reader.database, "projection")
        if row["name"] == projection.name
    }
    erased = _erased(world) if projection.state else set()
    for name, story in world.history.items():
        concerned = projection.projects(name[1]) or any(envelope.type in projection.types for _, envelope in story)
        settled = world.settled(name)
        if not concerned or settled == 0 or name in erased or story[0][0].topic not in reader.consumer.topics:
            continue
        if (found := shown.get(name, 0)) < settled:
            yield f"{reader.database}'s {projection.name} shows {name[1]} at version {found} of {settled}"


def _erased(world: RecordedState) -> set[Name]:
    """Whose last record is a tombstone."""
    last = {record.key: record for record in world.records if record.topic == PROFILES}
    gone = {key for key, record in last.items() if record.value is None}
    return {name for name in world.history if record_key(*name) in gone}
