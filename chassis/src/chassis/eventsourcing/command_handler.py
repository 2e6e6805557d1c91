"""Loads, decides, writes. The only way in which a command becomes events: over HTTP, by a timer, or in a reaction."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic
from uuid import UUID
from weakref import WeakValueDictionary

from chassis.eventsourcing.aggregate import Aggregate, Loaded, OnTimer, Outcome
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.decider import C, E, S
from chassis.eventsourcing.event_store import (
    AlreadyAnswered,
    Answer,
    Append,
    EventStore,
    IdempotencyKey,
    Statement,
    Stored,
    Timer,
    VersionConflict,
    WriteSet,
)
from chassis.eventsourcing.outbox_message import to_recorded
from chassis.eventsourcing.stream import Stream
from chassis.scope import note

ATTEMPTS = 50
"""A conflict means that somebody else's decision went through: only a stream that never rests uses these up."""

CACHED_STREAMS = 2_000
"""Streams whose state is kept in memory: a long one costs its whole past otherwise, each time it is asked."""


class NoSuchAggregate(LookupError):
    """Nothing was decided about what does not exist: neither an event nor a refusal."""


def rehydrate(
    aggregate: Aggregate[C, E, S], stream: Stream, stored: Iterable[Stored], known: Loaded[S] | None = None
) -> Loaded[S]:
    """Folds a stream's events, oldest first: all of them, or those that follow what is known."""
    version, state = (known.version, known.state) if known else (0, None)
    for event in stored:
        state = aggregate.decider.evolve(state, aggregate.codec.decode(event.name, event.schema, event.body))
        version = event.version
    return Loaded(stream, version, state)


def decide(aggregate: Aggregate[C, E, S], context: Context, past: Loaded[S], command: C) -> tuple[Outcome[E, S], WriteSet]:
    """Asks the rules. Raises the domain's refusal, and NeverBegan when nothing was decided about what does not exist."""
    events = aggregate.decider.decide(command, past.state)
    version, state, recorded = past.version, past.state, []
    for event in events:
        version, state = version + 1, aggregate.decider.evolve(state, event)
        recorded.append(to_recorded(aggregate, context, past.stream, version, event, state))
    if state is None:
        raise NoSuchAggregate(f"{past.stream.name} does not exist, and {command!r} did not begin it")
    outcome = Outcome(past.stream, version, tuple(events), state)
    appends = (Append(past.stream, past.version, tuple(recorded)),) if recorded else ()
    waited = aggregate.timers(past.state) if past.state is not None else {}
    waits = aggregate.timers(state)
    return outcome, WriteSet(
        appends,
        statements=tuple(aggregate.rows(outcome)) if recorded else (),
        set_timers=tuple(Timer(past.stream, name, due) for name, due in waits.items() if waited.get(name) != due),
        clear_timers=tuple((past.stream, name) for name in waited if name not in waits),
    )


@dataclass(frozen=True)
class Handled(Generic[E, S]):
    outcome: Outcome[E, S] | None
    """None when the command was refused, or is a repetition of one answered before."""
    answer: Answer | None


@dataclass(frozen=True)
class CommandHandler(Generic[C, E, S]):
    store: EventStore
    aggregate: Aggregate[C, E, S]
    load_on_timer: Callable[[UUID, UUID], Awaitable[OnTimer[S, C]]] | None = None
    """(merchant, aggregate id) -> the `on_timer` of one firing, for commands that need data from outside the stream."""
    _turns: WeakValueDictionary[Stream, asyncio.Lock] = field(default_factory=WeakValueDictionary, init=False, repr=False)
    _known: OrderedDict[Stream, tuple[Stored, Loaded[S]]] = field(default_factory=OrderedDict, init=False, repr=False)
    """What the streams asked last had come to, and the event that it ends with."""

    async def handle(
        self,
        context: Context,
        id: UUID,
        command: C,
        *,
        key: IdempotencyKey | None = None,
        answer: Callable[[Outcome[E, S]], Answer] | None = None,
        refused: Callable[[Exception], Answer] | None = None,
        statements: Callable[[Outcome[E, S]], Sequence[Statement]] | None = None,
        seen: Loaded[S] | None = None,
    ) -> Handled[E, S]:
        """Asks the rules and keeps what they say.

        `seen` is what `past` has returned for this request: the first attempt decides on it instead of reading again. Its
        version guards it, as it guards every attempt.

        With a key both kinds of answer are kept with it, in the same write, and given to every repetition; one that
        comes while the first is still running waits for it. `statements` run in the same transaction, when there are
        events. Without `refused` the domain's refusal is raised. Raises KeyReused when the key came with another
        request before, StoreBusy when nothing can be written now, StoreAway when the database stays away,
        VersionConflict when the stream never holds still.
        """
        stream = self.aggregate.stream(context.merchant_id, id)
        note(context.merchant_id, stream.name)
        async with self._turn(stream):
            for _ in range(ATTEMPTS):
                past, seen = seen or await self._past(stream), None
                outcome: Outcome[E, S] | None = None
                try:
                    outcome, write_set = decide(self.aggregate, context, past, command)
                    told = answer(outcome) if answer else None
                    if statements and outcome.events:
                        write_set = replace(write_set, statements=(*write_set.statements, *statements(outcome)))
                except self.aggregate.refusal as refusal:
                    if refused is None:
                        if key and (told := await self.store.answer_to(key)):
                            return Handled(None, told)
                        raise
                    write_set, told = WriteSet(), refused(refusal)
                if key and told:
                    write_set = replace(write_set, answer=(key, told))
                try:
                    if not write_set.empty:
                        await self.store.write(write_set)
                except VersionConflict:
                    continue
                except AlreadyAnswered:
                    if key and (told := await self.store.answer_to(key)):
                        return Handled(None, told)
                    continue
                return Handled(outcome, told)
        raise VersionConflict(stream.name)

    async def fire(self, context: Context, id: UUID, name: str, now: datetime) -> Outcome[E, S] | None:
        """Gives the command of the timer `name`, `now` being the merchant's.

        None when the state waits for no such timer, or for a later one: then the timer is made to agree with the state.
        Raises the domain's refusal, which leaves the timer as it is.
        """
        on_timer = await self.load_on_timer(context.merchant_id, id) if self.load_on_timer else self.aggregate.on_timer
        assert on_timer, f"{self.aggregate.kind} declares no command for its timers"
        stream = self.aggregate.stream(context.merchant_id, id)
        async with self._turn(stream):
            for _ in range(ATTEMPTS):
                past = await self._past(stream)
                due = self.aggregate.timers(past.state).get(name) if past.state is not None else None
                outcome: Outcome[E, S] | None = None
                if past.state is None or due is None:
                    write_set = WriteSet(clear_timers=((past.stream, name),))
                elif due > now:
                    write_set = WriteSet(set_timers=(Timer(past.stream, name, due),))
                else:
                    command = on_timer(name, past.state, now)
                    outcome, write_set = decide(self.aggregate, context, past, command)
                try:
                    if not write_set.empty:
                        await self.store.write(write_set)
                except VersionConflict:
                    continue
                return outcome
        raise VersionConflict(stream.name)

    async def state(self, merchant_id: UUID, id: UUID) -> tuple[int, S | None]:
        """The aggregate's version and state: 0 and None when it does not exist."""
        past = await self.past(merchant_id, id)
        return past.version, past.state

    async def past(self, merchant_id: UUID, id: UUID) -> Loaded[S]:
        """What a decision about the aggregate would be taken on now."""
        return await self._past(self.aggregate.stream(merchant_id, id))

    def _turn(self, stream: Stream) -> asyncio.Lock:
        """Commands of one process to one aggregate go one after the other: together all but one would be in vain."""
        return self._turns.setdefault(stream, asyncio.Lock())

    async def _past(self, stream: Stream) -> Loaded[S]:
        """Reads what has come since the stream was asked last, together with the last event known.

        When that is not there any more, the database is another (restored from a backup), and everything is read.
        """
        last, known = self._known.pop(stream, (None, None))
        stored = await self.store.read(stream, since=last.version if last else 1)
        if last and stored[:1] != [last]:
            known, stored = None, await self.store.read(stream)
        past = rehydrate(self.aggregate, stream, stored[1:] if known else stored, known)
        if stored:
            self._known[stream] = stored[-1], past
            if len(self._known) > CACHED_STREAMS:
                self._known.popitem(last=False)
        return past
