"""Takes over the lost events with a private form that follows from the public one, with their rows and timers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from billing_contracts.registry import data_of
from chassis.event_store.write_sets import append_write_sets, read_streams
from chassis.eventsourcing.aggregate import Aggregate, Outcome
from chassis.eventsourcing.command_handler import rehydrate
from chassis.eventsourcing.event_store import Append, RecordedEvent, Timer, WriteSet
from chassis.eventsourcing.lost_events import Adopt
from chassis.eventsourcing.stream import Stream
from chassis.postgres.connection import Connection
from invoicing.adapters import rows as invoicing_rows
from invoicing.application.adoption import ADOPTED as OF_INVOICING
from invoicing.application.aggregates import INVOICE
from payments.adapters import rows as payments_rows
from payments.application.adoption import ADOPTED as OF_PAYMENTS
from payments.application.aggregates import PAYMENT, WALLET
from portalctl.recovery.classification import TopicEvent
from subscriptions.adapters import rows as subscriptions_rows
from subscriptions.application.adoption import ADOPTED as OF_SUBSCRIPTIONS
from subscriptions.application.aggregates import MERCHANT, PLAN, SUBSCRIPTION

ADOPTED: Mapping[str, Adopt] = {**OF_SUBSCRIPTIONS, **OF_PAYMENTS, **OF_INVOICING}
"""By public type."""
_AGGREGATES: Mapping[str, Aggregate[Any, Any, Any]] = {
    each.kind: each
    for each in (
        replace(MERCHANT, rows=subscriptions_rows.of_merchant),
        replace(PLAN, rows=subscriptions_rows.of_plan),
        replace(SUBSCRIPTION, rows=subscriptions_rows.of_subscription),
        replace(WALLET, rows=payments_rows.of_wallet),
        replace(PAYMENT, rows=payments_rows.of_payment),
        replace(INVOICE, rows=invoicing_rows.of_invoice),
    )
}


async def adopt(connection: Connection, lost: Sequence[TopicEvent]) -> int:
    """Append the first of a stream's lost events, up to one that does not follow from its public form, in the caller's
    transaction. Returns their number. Each is published again with the same id and value."""
    merchant_id, name = lost[0].of
    kind, _, id = name.partition("-")
    aggregate = _AGGREGATES[kind]
    stream = Stream(merchant_id, kind, UUID(id))
    before = rehydrate(aggregate, stream, (await read_streams(connection, [stream]))[stream])
    version, state = before.version, before.state
    recorded, events = [], []
    for published in lost:
        if (event := _private(aggregate, published, state)) is None or published.envelope.sequence != version + 1:
            break
        version, state = version + 1, aggregate.decider.evolve(state, event)
        encoded = aggregate.codec.encode(event)
        recorded.append(RecordedEvent(version, *encoded, stream, published.envelope.id, published.message))
        events.append(event)
    if events:
        outcome = Outcome(stream, version, tuple(events), state)
        timers_before = aggregate.timers(before.state) if before.state is not None else {}
        timers = aggregate.timers(state)
        write_set = WriteSet(
            (Append(stream, before.version, tuple(recorded)),),
            statements=tuple(aggregate.rows(outcome)),
            set_timers=tuple(Timer(stream, timer, due_at) for timer, due_at in timers.items()),
            clear_timers=tuple((stream, timer) for timer in timers_before if timer not in timers),
        )
        await append_write_sets(connection, [write_set])
    return len(events)


def _private(aggregate: Aggregate[Any, Any, Any], published: TopicEvent, state: Any) -> Any:
    """The private event, or None. Its publication must be the public event, so that nothing is guessed."""
    envelope = published.envelope
    if (adopted := ADOPTED.get(envelope.type)) is None:
        return None
    data = data_of(envelope)
    try:
        event = adopted(data, envelope, state)
        if event is None:
            return None
        announced = aggregate.announce(event, aggregate.decider.evolve(state, event))
    except (AssertionError, AttributeError, TypeError, ValueError):
        return None  # the state lacks an earlier event
    same = (announced.data, announced.time, announced.customer_id) == (data, envelope.time, envelope.customerid)
    return event if same else None
