"""One suite over both event stores: what holds in memory holds in PostgreSQL."""

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
    Event,
    Lamp,
    LampIsOn,
    SwitchedOff,
    SwitchedOn,
    SwitchOff,
    SwitchOn,
    Toggle,
)


def append(stream: Stream, expected: int = 0, on: bool = True) -> WriteSet:
    """One event after `expected` others."""
    state = Lamp(None if on else NOON, expected) if expected else None
    _, write_set = decide(LAMP, CONTEXT, Loaded(stream, expected, state), Toggle(NOON))
    return write_set


def lamp() -> Stream:
    return LAMP.stream(MERCHANT, uuid4())


def key_of(name: str, fingerprint: str = "body") -> IdempotencyKey:
    return IdempotencyKey(MERCHANT, "customer:ana", "POST /lamp", name, fingerprint)


def handler_of(store: EventStore) -> CommandHandler[Command, Event, Lamp]:
    return CommandHandler(store, LAMP)


def version(outcome: Outcome[Event, Lamp]) -> Answer:
    return Answer(202, {"version": outcome.version})


def refusal(why: Exception) -> Answer:
    return Answer(409, {"code": type(why).__name__})


async def test_a_stream_that_nobody_wrote_is_empty(store: EventStore) -> None:
    assert await store.read(lamp()) == []


async def test_events_come_back_as_they_were_written_and_in_order(store: EventStore) -> None:
    stream = lamp()
    await store.write(append(stream))
    await store.write(append(stream, 1, on=False))
    assert [(e.version, LAMP.codec.decode(e.name, e.schema, e.body)) for e in await store.read(stream)] == [
        (1, SwitchedOn(NOON + timedelta(hours=1), NOON)),
        (2, SwitchedOff(NOON)),
    ]


async def test_a_stream_is_read_from_a_version_on(store: EventStore) -> None:
    stream = lamp()
    for expected in range(3):
        await store.write(append(stream, expected, on=expected != 1))
    reads = await asyncio.gather(*(store.read(stream, since) for since in (1, 3, 4)))
    assert [[event.version for event in events] for events in reads] == [[1, 2, 3], [3], []]


async def test_streams_are_read_together_and_kept_apart(store: EventStore) -> None:
    lit, dark = lamp(), lamp()
    await store.write(append(lit))
    past = await store.read_many([lit, dark])
    assert {stream: [event.version for event in events] for stream, events in past.items()} == {lit: [1], dark: []}


async def test_the_same_id_of_another_merchant_is_another_stream(store: EventStore) -> None:
    stream = lamp()
    await store.write(append(stream))
    assert await store.read(replace(stream, merchant_id=UUID(int=8))) == []


async def test_a_decision_on_an_old_state_is_not_written(store: EventStore) -> None:
    stream = lamp()
    await store.write(append(stream))
    with pytest.raises(VersionConflict):
        await store.write(append(stream))
    assert len(await store.read(stream)) == 1


async def test_nothing_of_a_set_in_conflict_is_written(store: EventStore) -> None:
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


async def test_a_key_given_to_another_request_is_told_so(store: EventStore) -> None:
    await store.write(WriteSet(answer=(key_of("k"), Answer(202, {}))))
    with pytest.raises(KeyReused):
        await store.answer_to(key_of("k", "another body"))


async def test_of_many_who_decide_on_the_same_state_one_is_written(store: EventStore) -> None:
    stream = lamp()
    fates = await asyncio.gather(*(store.write(append(stream)) for _ in range(20)), return_exceptions=True)
    assert sorted(type(fate).__name__ for fate in fates) == ["NoneType"] + ["VersionConflict"] * 19


async def test_who_is_in_conflict_takes_nobody_along(store: EventStore) -> None:
    taken = [lamp() for _ in range(5)]
    free = [lamp() for _ in range(50)]
    await asyncio.gather(*(store.write(append(stream)) for stream in taken))
    fates = await asyncio.gather(*(store.write(append(s)) for s in taken + free), return_exceptions=True)
    assert [type(fate) for fate in fates] == [VersionConflict] * 5 + [type(None)] * 50
    assert {len(events) for events in (await store.read_many(free)).values()} == {1}


async def test_everybody_who_counts_is_counted(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    await asyncio.gather(*(handler.handle(CONTEXT, id, Toggle(NOON)) for _ in range(16)))
    assert (await handler.state(MERCHANT, id))[0] == 16


async def test_a_repetition_gets_the_first_answer_and_has_no_effect(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    first = await handler.handle(CONTEXT, id, Toggle(NOON), key=key_of("k"), answer=version)
    second = await handler.handle(CONTEXT, id, Toggle(NOON), key=key_of("k"), answer=version)
    assert (first.answer, second.answer, second.outcome) == (Answer(202, {"version": 1}), first.answer, None)
    assert (await handler.state(MERCHANT, id))[0] == 1


async def test_repetitions_at_the_same_time_get_one_answer_and_one_effect(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    asked = (handler.handle(CONTEXT, id, Toggle(NOON), key=key_of("k"), answer=version) for _ in range(12))
    answers = [handled.answer for handled in await asyncio.gather(*asked)]
    assert answers == [Answer(202, {"version": 1})] * 12
    assert (await handler.state(MERCHANT, id))[0] == 1


async def test_a_key_names_one_thing_even_when_it_is_asked_of_two_lamps_at_once(store: EventStore) -> None:
    handler, ids = handler_of(store), [uuid4() for _ in range(8)]
    asked = (handler.handle(CONTEXT, id, Toggle(NOON), key=key_of("k"), answer=version) for id in ids)
    assert {handled.answer.status for handled in await asyncio.gather(*asked) if handled.answer} == {202}
    assert sorted([(await handler.state(MERCHANT, id))[0] for id in ids]) == [0] * 7 + [1]


async def test_a_refusal_is_an_answer_too(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    await handler.handle(CONTEXT, id, SwitchOn(NOON))
    refused = await handler.handle(CONTEXT, id, SwitchOn(NOON), key=key_of("k"), answer=version, refused=refusal)
    await handler.handle(CONTEXT, id, SwitchOff(NOON))
    again = await handler.handle(CONTEXT, id, SwitchOn(NOON), key=key_of("k"), answer=version, refused=refusal)
    assert (refused.answer, again.answer) == (Answer(409, {"code": "LampIsOn"}), Answer(409, {"code": "LampIsOn"}))
    assert (await handler.state(MERCHANT, id))[0] == 2


async def test_a_command_that_changes_nothing_is_answered_for_ever_the_same(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    await handler.handle(CONTEXT, id, SwitchOn(NOON))
    await handler.handle(CONTEXT, id, SwitchOff(NOON))
    idle = await handler.handle(CONTEXT, id, SwitchOff(NOON), key=key_of("k"), answer=version)
    await handler.handle(CONTEXT, id, SwitchOn(NOON))
    again = await handler.handle(CONTEXT, id, SwitchOff(NOON), key=key_of("k"), answer=version)
    assert idle.answer == again.answer == Answer(202, {"version": 2})


async def test_an_accepted_command_repeated_is_answered_even_when_the_rules_would_now_refuse(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    first = await handler.handle(CONTEXT, id, SwitchOn(NOON), key=key_of("k"), answer=version)
    again = await handler.handle(CONTEXT, id, SwitchOn(NOON), key=key_of("k"), answer=version)
    assert first.answer == again.answer


async def test_without_a_key_the_refusal_is_raised(store: EventStore) -> None:
    handler, id = handler_of(store), uuid4()
    await handler.handle(CONTEXT, id, SwitchOn(NOON))
    with pytest.raises(LampIsOn):
        await handler.handle(CONTEXT, id, SwitchOn(NOON))


async def test_a_timer_that_is_wanted_no_more_is_cleared_and_others_stay(store: EventStore) -> None:
    stream = lamp()
    await store.write(WriteSet(set_timers=(Timer(stream, "a", NOON), Timer(stream, "b", NOON))))
    await store.write(WriteSet(set_timers=(Timer(stream, "a", NOON + timedelta(days=1)),), clear_timers=((stream, "b"),)))
    await store.write(WriteSet(clear_timers=((stream, "never set"),)))
