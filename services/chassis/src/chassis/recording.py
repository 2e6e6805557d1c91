"""A private event made ready for the store: encoded, and with the message that others will hear of it."""

import os
import time
from datetime import UTC, datetime
from uuid import UUID

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from billing_contracts.envelope import Envelope
from chassis.aggregate import Aggregate, Stream
from chassis.context import Context
from chassis.decider import C, E, S
from chassis.store import Message, Recorded

_TRACE = TraceContextTextMapPropagator()


def record(aggregate: Aggregate[C, E, S], context: Context, stream: Stream, version: int, event: E, state: S) -> Recorded:
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
    return Recorded(version, name, schema, body, stream, event_id, Message(topic, envelope.key(), envelope.value(), headers))


def time_ordered_id() -> UUID:
    """UUID version 7 (RFC 9562): new ones are neighbours in an index, so that a busy store touches few pages."""
    milliseconds = time.time_ns() // 1_000_000
    noise = int.from_bytes(os.urandom(10), "big")
    return UUID(int=(milliseconds << 80 | noise) & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62)
