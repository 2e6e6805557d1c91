"""A command over several streams: one write set, decided again after a conflict."""

from uuid import uuid4

import pytest

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.event_store import Answer, Statement
from chassis.eventsourcing.memory_store import MemoryEventStore
from chassis.eventsourcing.multi_stream_handler import MultiStreamHandler, StreamDecisions
from support.lamps import CONTEXT, LAMP, MERCHANT, NOON, Lamp, NoSuchLamp, SwitchOff, SwitchOn


async def test_decisions_on_several_streams_are_written_together() -> None:
    store, one, other, row = MemoryEventStore(), uuid4(), uuid4(), Statement("INSERT …")

    async def command(decisions: StreamDecisions) -> Answer:
        versions = [decisions.decide(LAMP, id, SwitchOn(NOON)).version for id in (one, other)]
        decisions.write(row)
        return Answer(200, {"versions": versions})

    streams = [LAMP.stream(MERCHANT, id) for id in (one, other)]
    answer = await MultiStreamHandler(store).handle(CONTEXT, streams, command)
    assert answer == Answer(200, {"versions": [1, 1]})
    assert [len(await store.read(stream)) for stream in streams] == [1, 1]
    assert store.statements == [row]
    assert set(store.timers) == {(stream, "burnt down") for stream in streams}


async def test_a_conflict_on_one_stream_repeats_all_decisions() -> None:
    store, one, other = MemoryEventStore(), uuid4(), uuid4()
    states: list[Lamp | None] = []

    async def command(decisions: StreamDecisions) -> Answer:
        states.append(decisions.state(LAMP, other))
        if len(states) == 1:
            await CommandHandler(store, LAMP).handle(CONTEXT, other, SwitchOn(NOON))
            await CommandHandler(store, LAMP).handle(CONTEXT, other, SwitchOff(NOON))
        for id in (one, other):
            decisions.decide(LAMP, id, SwitchOn(NOON))
        return Answer(200, {})

    await MultiStreamHandler(store).handle(CONTEXT, [LAMP.stream(MERCHANT, id) for id in (one, other)], command)
    assert [state is None for state in states] == [True, False]
    assert [len(await store.read(LAMP.stream(MERCHANT, id))) for id in (one, other)] == [1, 3]


async def test_a_refusal_on_one_stream_writes_nothing() -> None:
    store, one, other = MemoryEventStore(), uuid4(), uuid4()

    async def command(decisions: StreamDecisions) -> Answer:
        decisions.decide(LAMP, one, SwitchOn(NOON))
        decisions.decide(LAMP, other, SwitchOff(NOON))
        return Answer(200, {})

    with pytest.raises(NoSuchLamp):
        await MultiStreamHandler(store).handle(CONTEXT, [LAMP.stream(MERCHANT, id) for id in (one, other)], command)
    assert await store.read(LAMP.stream(MERCHANT, one)) == []
