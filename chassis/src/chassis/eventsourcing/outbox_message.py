"""Builds the stored form and the public message of a private event."""

from datetime import UTC, datetime

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from billing_contracts.envelope import Envelope
from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.decider import C, E, S
from chassis.eventsourcing.event_store import Message, RecordedEvent
from chassis.eventsourcing.identifiers import time_ordered_id
from chassis.eventsourcing.stream import Stream

_TRACE = TraceContextTextMapPropagator()


def to_recorded(
    aggregate: Aggregate[C, E, S], context: Context, stream: Stream, version: int, event: E, state: S
) -> RecordedEvent:
    announcement = aggregate.announce(event, state)
    event_id = time_ordered_id()
    topic = announcement.data.topic()
    envelope = Envelope(
        id=event_id,
        source="/" + topic.replace(".", "/"),
        type=announcement.data.TYPE,
        subject=stream.name,
        time=announcement.time,
        recordedtime=datetime.now(UTC),
        sequence=version,
        merchantid=stream.merchant_id,
        customerid=announcement.customer_id,
        correlationid=context.correlation_id,
        causationid=context.causation_id,
        data=announcement.data.model_dump(mode="json"),
    )
    headers = envelope.headers()
    _TRACE.inject(headers)
    name, schema, body = aggregate.codec.encode(event)
    return RecordedEvent(version, name, schema, body, stream, event_id, Message(topic, envelope.key(), envelope.value(), headers))
