"""Commands produce events, messages, timers and rows in one write set."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider

from billing_contracts.envelope import Envelope
from chassis.eventsourcing.aggregate import OnTimer
from chassis.eventsourcing.command_handler import CommandHandler, NoSuchAggregate
from chassis.eventsourcing.event_store import Statement, StoredEvent
from chassis.eventsourcing.identifiers import time_ordered_id
from chassis.eventsourcing.memory_store import MemoryEventStore
from chassis.eventsourcing.stream import Stream
from support.lamps import CONTEXT, LAMP, MERCHANT, NOON, Command, Event, Lamp, NoSuchLamp, SwitchedOff, SwitchOff, SwitchOn


@pytest.fixture
def store() -> MemoryEventStore:
    return MemoryEventStore()


@pytest.fixture
def lamps(store: MemoryEventStore) -> CommandHandler[Command, Event, Lamp]:
    return CommandHandler(store, LAMP)


Lamps = CommandHandler[Command, Event, Lamp]


async def test_every_event_has_a_message_numbered_like_it(lamps: Lamps, store: MemoryEventStore) -> None:
    id = uuid4()
    await lamps.handle(CONTEXT, id, SwitchOn(NOON))
    await lamps.handle(CONTEXT, id, SwitchOff(NOON))
    envelopes = [Envelope.model_validate_json(message.value or b"") for message in store.messages]
    assert [(envelope.sequence, envelope.data) for envelope in envelopes] == [(1, {"on": True}), (2, {"on": False})]
    assert {envelope.correlationid for envelope in envelopes} == {CONTEXT.correlation_id}


async def test_a_message_carries_the_current_trace(lamps: Lamps, store: MemoryEventStore) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("click") as span:
        await lamps.handle(CONTEXT, uuid4(), SwitchOn(NOON))
    assert f"{span.get_span_context().trace_id:032x}" in store.messages[0].headers["traceparent"]


async def test_timers_are_set_and_cleared_with_the_state(lamps: Lamps, store: MemoryEventStore) -> None:
    id = uuid4()
    await lamps.handle(CONTEXT, id, SwitchOn(NOON, minutes=5))
    assert store.timers == {(LAMP.stream(MERCHANT, id), "burnt down"): NOON + timedelta(minutes=5)}
    await lamps.handle(CONTEXT, id, SwitchOff(NOON))
    assert store.timers == {}


async def test_statements_are_written_only_with_events(lamps: Lamps, store: MemoryEventStore) -> None:
    id, row = uuid4(), Statement("INSERT …")
    await lamps.handle(CONTEXT, id, SwitchOn(NOON), statements=lambda _: [row])
    await lamps.handle(CONTEXT, id, SwitchOff(NOON))
    await lamps.handle(CONTEXT, id, SwitchOff(NOON), statements=lambda _: [row])
    assert store.statements == [row]


async def test_a_timer_fires_once_and_not_before_it_is_due(lamps: Lamps) -> None:
    id = uuid4()
    await lamps.handle(CONTEXT, id, SwitchOn(NOON))
    due = NOON + timedelta(hours=1)
    assert await lamps.fire(CONTEXT, id, "burnt down", NOON) is None
    fired = await lamps.fire(CONTEXT, id, "burnt down", due)
    assert fired is not None
    assert fired.version == 2
    assert await lamps.fire(CONTEXT, id, "burnt down", due) is None


async def test_the_command_of_a_timer_can_use_data_that_is_read_when_it_fires(store: MemoryEventStore) -> None:
    async def load(merchant_id: UUID, id: UUID) -> OnTimer[Lamp, Command]:
        loaded_for.append((merchant_id, id))
        return lambda _, __, now: SwitchOff(now + timedelta(minutes=len(loaded_for)))

    loaded_for: list[tuple[UUID, UUID]] = []
    id, due = uuid4(), NOON + timedelta(hours=1)
    lamps = CommandHandler(store, LAMP, load)
    await lamps.handle(CONTEXT, id, SwitchOn(NOON))
    fired = await lamps.fire(CONTEXT, id, "burnt down", due)
    assert fired is not None
    assert fired.events == (SwitchedOff(due + timedelta(minutes=1)),)
    assert loaded_for == [(MERCHANT, id)]


async def test_a_missing_aggregate_refuses_or_raises_no_such_aggregate(lamps: Lamps, store: MemoryEventStore) -> None:
    with pytest.raises(NoSuchLamp):
        await lamps.handle(CONTEXT, uuid4(), SwitchOff(NOON))
    silent = CommandHandler(store, replace(LAMP, decider=replace(LAMP.decider, decide=lambda _, __: [])))
    with pytest.raises(NoSuchAggregate):
        await silent.handle(CONTEXT, uuid4(), SwitchOff(NOON))


async def test_commands_to_one_aggregate_are_serialized_and_locks_are_released(lamps: Lamps) -> None:
    id = uuid4()
    commands = [lamps.handle(CONTEXT, id, command) for command in (SwitchOn(NOON), SwitchOff(NOON)) * 10]
    await asyncio.gather(*commands)
    assert (await lamps.state(MERCHANT, id))[0] == 20
    assert len(lamps._locks) == 0


def test_event_ids_are_of_version_7_and_increase_with_time() -> None:
    ids = [time_ordered_id() for _ in range(1000)]
    assert {(id.version, id.variant) for id in ids} == {(7, "specified in RFC 4122")}
    assert len(set(ids)) == 1000
    assert sorted(id.int >> 80 for id in ids) == [id.int >> 80 for id in ids]


class RecordingStore(MemoryEventStore):
    """Records the first version of each read."""

    def __init__(self) -> None:
        super().__init__()
        self.since: list[int] = []

    async def read(self, stream: Stream, since: int = 1) -> list[StoredEvent]:
        self.since.append(since)
        return await super().read(stream, since)


async def test_cached_events_are_not_read_again() -> None:
    store = RecordingStore()
    lamps, elsewhere, id = CommandHandler(store, LAMP), CommandHandler(store, LAMP), uuid4()
    await lamps.handle(CONTEXT, id, SwitchOn(NOON))
    await lamps.handle(CONTEXT, id, SwitchOff(NOON))
    await elsewhere.handle(CONTEXT, id, SwitchOn(NOON))
    store.since.clear()
    assert await lamps.state(MERCHANT, id) == (3, Lamp(NOON + timedelta(hours=1), 3))
    assert await lamps.state(MERCHANT, id) == (3, Lamp(NOON + timedelta(hours=1), 3))
    assert store.since == [1, 3]


async def test_a_loaded_state_is_not_read_again() -> None:
    store, id = RecordingStore(), uuid4()
    lamps = Lamps(store, LAMP)
    await lamps.handle(CONTEXT, id, SwitchOn(NOON))
    loaded = await lamps.load(MERCHANT, id)
    reads = len(store.since)
    handled = await lamps.handle(CONTEXT, id, SwitchOff(NOON), loaded=loaded)
    assert (handled.outcome and handled.outcome.version, len(store.since)) == (2, reads)


async def test_a_stale_loaded_state_is_replaced_before_the_decision() -> None:
    store, id = MemoryEventStore(), uuid4()
    here, elsewhere = Lamps(store, LAMP), Lamps(store, LAMP)
    await here.handle(CONTEXT, id, SwitchOn(NOON))
    loaded = await here.load(MERCHANT, id)
    await elsewhere.handle(CONTEXT, id, SwitchOff(NOON))
    handled = await here.handle(CONTEXT, id, SwitchOff(NOON), loaded=loaded)
    assert handled.outcome
    assert (handled.outcome.version, handled.outcome.events) == (2, ())
    assert [Envelope.model_validate_json(message.value or b"").sequence for message in store.messages] == [1, 2]


async def test_a_stream_is_read_again_after_a_restore() -> None:
    """The database is restored from a backup while the process runs."""
    store, restored = MemoryEventStore(), MemoryEventStore()
    lamps, id = CommandHandler(store, LAMP), uuid4()
    for command in (SwitchOn(NOON), SwitchOff(NOON)):
        await lamps.handle(CONTEXT, id, command)
    await lamps.state(MERCHANT, id)
    await CommandHandler(restored, LAMP).handle(CONTEXT, id, SwitchOn(NOON))
    vars(store).update(vars(restored))
    outcome = (await lamps.handle(CONTEXT, id, SwitchOff(NOON))).outcome
    assert outcome is not None
    assert (outcome.version, len(await store.read(outcome.stream))) == (2, 2)
