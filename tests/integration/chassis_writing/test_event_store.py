"""One suite for both event stores, in memory and in PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chassis.eventsourcing.aggregate import Loaded, Outcome
from chassis.eventsourcing.command_handler import CommandHandler, decide
from chassis.eventsourcing.event_store import (
    AlreadyAnswered,
    AlreadyHandled,
    Answer,
    EventStore,
    IdempotencyKey,
    KeyReused,
    Timer,
    VersionConflict,
    WriteSet,
)
from chassis.eventsourcing.stream import Stream
from support.lamps import (
    CONTEXT,
    LAMP,
    MERCHANT,
    NOON,
    Command,
    Count,
    Event,
    Lamp,
    LampIsOn,
    SwitchedOff,
    SwitchedOn,
    SwitchOff,
    SwitchOn,
)


def append(stream: Stream, expected: int = 0, on: bool = True) -> WriteSet:
    """A write set with one event after `expected` others."""
    state = Lamp(None if on else NOON, expected) if expected else None
    _, write_set = decide(LAMP, CONTEXT, Loaded(stream, expected, state), Count(NOON))
    return write_set


def lamp() -> Stream:
    return LAMP.stream(MERCHANT, uuid4())


def key_of(name: str, fingerprint: str = "body") -> IdempotencyKey:
    return IdempotencyKey(MERCHANT, "customer:ana", "POST /lamp", name, fingerprint)


def handler_of(store: EventStore) -> CommandHandler[Command, Event, Lamp]:
    return CommandHandler(store, LAMP)


def version(outcome: Outcome[Event, Lamp]) -> Answer:
    return Answer(202, {"version": outcome.version})


def refusal(error: Exception) -> Answer:
    return Answer(409, {"code": type(error).__name__})


async def test_an_unknown_stream_is_empty(store: EventStore) -> None:
    assert await store.read(lamp()) == []


async def test_events_are_read_as_written_and_in_order(store: EventStore) -> None:
    stream = lamp()
    await store.write(append(stream))
    await store.write(append(stream, 1, on=False))
    assert [(e.version, LAMP.codec.decode(e.name, e.schema, e.body)) for e in await store.read(stream)] == [
        (1, SwitchedOn(NOON + timedelta(hours=1), NOON)),
        (2, SwitchedOff(NOON)),
    ]


async def test_a_stream_is_read_from_a_version(store: EventStore) -> None:
    stream = lamp()
    for expected in range(3):
        await store.write(append(stream, expected, on=expected != 1))
    reads = await asyncio.gather(*(store.read(stream, since) for since in (1, 3, 4)))
    assert [[event.version for event in events] for events in reads] == [[1, 2, 3], [3], []]


async def test_several_streams_are_read_in_one_call(store: EventStore) -> None:
    written, empty = lamp(), lamp()
    await store.write(append(written))
    read = await store.read_many([written, empty])
    assert {stream: [event.version for event in events] for stream, events in read.items()} == {written: [1], empty: []}


async def test_the_same_id_of_another_merchant_is_another_stream(store: EventStore) -> None:
    stream = lamp()
    await store.write(append(stream))
    assert await store.read(replace(stream, merchant_id=UUID(int=8))) == []


async def test_an_append_with_an_old_expected_version_is_refused(store: EventStore) -> None:
    stream = lamp()
    await store.write(append(stream))
    with pytest.raises(VersionConflict):
        await store.write(append(stream))
    assert len(await store.read(stream)) == 1


async def test_a_conflicting_write_set_is_not_written_at_all(store: EventStore) -> None:
    taken, free = lamp(), lamp()
    await store.write(append(taken))
    both = WriteSet(append(taken).appends + append(free).appends, answer=(key_of("k"), Answer(200, {})))
    with pytest.raises(VersionConflict):
        await store.write(both)
    assert await store.read(free) == []
    assert await store.answer_to(key_of("k")) is None


async def test_an_event_is_handled_once_per_group(store: EventStore) -> None:
    event_id = uuid4()
    await store.write(WriteSet(inbox=(("lamps.reactions", event_id),)))
    await store.write(WriteSet(inbox=(("lamps.mails", event_id),)))
    with pytest.raises(AlreadyHandled):
        await store.write(WriteSet(append(lamp()).appends, inbox=(("lamps.reactions", event_id),)))


async def test_a_key_is_answered_once(store: EventStore) -> None:
    await store.write(WriteSet(answer=(key_of("k"), Answer(202, {"version": 1}))))
    with pytest.raises(AlreadyAnswered):
        await store.write(WriteSet(answer=(key_of("k"), Answer(202, {"version": 2}))))
    assert await store.answer_to(key_of("k")) == Answer(202, {"version": 1})


async def test_a_key_used_by_another_request_is_reported(store: EventStore) -> None:
    await store.write(WriteSet(answer=(key_of("k"), Answer(202, {}))))
    with pytest.raises(KeyReused):
        await store.answer_to(key_of("k", "another body"))


async def test_one_of_many_appends_with_the_same_expected_version_is_written(store: EventStore) -> None:
    stream = lamp()
    results = await asyncio.gather(*(store.write(append(stream)) for _ in range(20)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType"] + ["VersionConflict"] * 19


async def test_conflicting_sets_do_not_affect_the_others_of_their_group(store: EventStore) -> None:
    taken = [lamp() for _ in range(5)]
    free = [lamp() for _ in range(50)]
    await asyncio.gather(*(store.write(append(stream)) for stream in taken))
    results = await asyncio.gather(*(store.write(append(s)) for s in taken + free), return_exceptions=True)
    assert [type(result) for result in results] == [VersionConflict] * 5 + [type(None)] * 50
    assert {len(events) for events in (await store.read_many(free)).values()} == {1}


async def test_concurrent_commands_to_one_aggregate_all_succeed(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    await asyncio.gather(*(handler.handle(CONTEXT, id, Count(NOON)) for _ in range(16)))
    assert (await handler.state(MERCHANT, id))[0] == 16


async def test_a_repetition_gets_the_first_answer_and_changes_nothing(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    first = await handler.handle(CONTEXT, id, Count(NOON), key=key_of("k"), answer=version)
    second = await handler.handle(CONTEXT, id, Count(NOON), key=key_of("k"), answer=version)
    assert (first.answer, second.answer, second.outcome) == (Answer(202, {"version": 1}), first.answer, None)
    assert (await handler.state(MERCHANT, id))[0] == 1


async def test_repetitions_at_the_same_time_get_one_answer_and_one_effect(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    commands = (handler.handle(CONTEXT, id, Count(NOON), key=key_of("k"), answer=version) for _ in range(12))
    answers = [handled.answer for handled in await asyncio.gather(*commands)]
    assert answers == [Answer(202, {"version": 1})] * 12
    assert (await handler.state(MERCHANT, id))[0] == 1


async def test_a_key_used_for_many_aggregates_at_once_has_one_effect(store: EventStore) -> None:
    handler, ids = handler_of(store), [uuid4() for _ in range(8)]
    commands = (handler.handle(CONTEXT, id, Count(NOON), key=key_of("k"), answer=version) for id in ids)
    assert {handled.answer.status for handled in await asyncio.gather(*commands) if handled.answer} == {202}
    assert sorted([(await handler.state(MERCHANT, id))[0] for id in ids]) == [0] * 7 + [1]


async def test_a_refusal_is_stored_as_the_answer(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    await handler.handle(CONTEXT, id, SwitchOn(NOON))
    refused = await handler.handle(CONTEXT, id, SwitchOn(NOON), key=key_of("k"), answer=version, refused=refusal)
    await handler.handle(CONTEXT, id, SwitchOff(NOON))
    again = await handler.handle(CONTEXT, id, SwitchOn(NOON), key=key_of("k"), answer=version, refused=refusal)
    assert (refused.answer, again.answer) == (Answer(409, {"code": "LampIsOn"}), Answer(409, {"code": "LampIsOn"}))
    assert (await handler.state(MERCHANT, id))[0] == 2


async def test_the_answer_of_a_command_that_changes_nothing_is_stored(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    await handler.handle(CONTEXT, id, SwitchOn(NOON))
    await handler.handle(CONTEXT, id, SwitchOff(NOON))
    idle = await handler.handle(CONTEXT, id, SwitchOff(NOON), key=key_of("k"), answer=version)
    await handler.handle(CONTEXT, id, SwitchOn(NOON))
    again = await handler.handle(CONTEXT, id, SwitchOff(NOON), key=key_of("k"), answer=version)
    assert idle.answer == again.answer == Answer(202, {"version": 2})


async def test_a_repetition_is_answered_even_if_the_decider_would_now_refuse(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    first = await handler.handle(CONTEXT, id, SwitchOn(NOON), key=key_of("k"), answer=version)
    again = await handler.handle(CONTEXT, id, SwitchOn(NOON), key=key_of("k"), answer=version)
    assert first.answer == again.answer


async def test_without_a_key_the_refusal_is_raised(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    await handler.handle(CONTEXT, id, SwitchOn(NOON))
    with pytest.raises(LampIsOn):
        await handler.handle(CONTEXT, id, SwitchOn(NOON))


async def test_timers_are_set_changed_and_cleared(store: EventStore) -> None:
    stream = lamp()
    await store.write(WriteSet(set_timers=(Timer(stream, "a", NOON), Timer(stream, "b", NOON))))
    await store.write(WriteSet(set_timers=(Timer(stream, "a", NOON + timedelta(days=1)),), clear_timers=((stream, "b"),)))
    await store.write(WriteSet(clear_timers=((stream, "never set"),)))
