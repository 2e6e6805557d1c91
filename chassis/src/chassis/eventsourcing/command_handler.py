"""Command handling: load, decide, write. Commands over HTTP, of timers and of reactions become events here."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic
from uuid import UUID
from weakref import WeakValueDictionary

from cachetools import LRUCache

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
    StoredEvent,
    Timer,
    VersionConflict,
    WriteSet,
)
from chassis.eventsourcing.lost_events import LOST, NOTHING_LOST, StreamBlocked
from chassis.eventsourcing.outbox_message import to_recorded
from chassis.eventsourcing.stream import Stream
from chassis.scope import note

ATTEMPTS = 50
"""Each version conflict means that another writer succeeded; only a permanently contended stream exhausts the attempts."""

CACHED_STREAMS_MAX = 2_000
"""Number of streams with a cached state, so that long streams are not replayed for every command."""


class NoSuchAggregate(LookupError):
    """The aggregate does not exist, and the command produced neither an event nor a refusal."""


def rehydrate(
    aggregate: Aggregate[C, E, S], stream: Stream, events: Iterable[StoredEvent], base: Loaded[S] | None = None
) -> Loaded[S]:
    """Fold a stream's events, oldest first: all of them, or those that follow `base`."""
    version, state, lost = (base.version, base.state, base.lost) if base else (0, None, NOTHING_LOST)
    for event in events:
        version = event.version
        if event.name == LOST:
            lost = lost.add(event)
            continue
        state = aggregate.decider.evolve(state, aggregate.codec.decode(event.name, event.schema, event.body))
    return Loaded(stream, version, state, lost)


def decide(aggregate: Aggregate[C, E, S], context: Context, loaded: Loaded[S], command: C) -> tuple[Outcome[E, S], WriteSet]:
    """Run the decider and build the write set of its events.

    Raises the domain's refusal, NoSuchAggregate when the aggregate does not exist and the command creates no event, and
    StreamBlocked.
    """
    if loaded.lost.under_review:
        raise StreamBlocked(loaded.stream.name)
    events = aggregate.decider.decide(command, loaded.state)
    version, state, recorded = loaded.version, loaded.state, []
    for event in events:
        version, state = version + 1, aggregate.decider.evolve(state, event)
        recorded.append(to_recorded(aggregate, context, loaded.stream, version, event, state))
    if state is None:
        raise NoSuchAggregate(f"{loaded.stream.name} does not exist, and {command!r} did not begin it")
    outcome = Outcome(loaded.stream, version, tuple(events), state)
    appends = (Append(loaded.stream, loaded.version, tuple(recorded)),) if recorded else ()
    timers_before = aggregate.timers(loaded.state) if loaded.state is not None else {}
    timers_after = aggregate.timers(state)
    return outcome, WriteSet(
        appends,
        statements=tuple(aggregate.rows(outcome)) if recorded else (),
        set_timers=tuple(
            Timer(loaded.stream, name, due_at) for name, due_at in timers_after.items() if timers_before.get(name) != due_at
        ),
        clear_timers=tuple((loaded.stream, name) for name in timers_before if name not in timers_after),
    )


@dataclass(frozen=True)
class Handled(Generic[E, S]):
    outcome: Outcome[E, S] | None
    """None when the command was refused, or when its idempotency key already had an answer."""
    answer: Answer | None


@dataclass(frozen=True)
class CommandHandler(Generic[C, E, S]):
    store: EventStore
    aggregate: Aggregate[C, E, S]
    load_on_timer: Callable[[UUID, UUID], Awaitable[OnTimer[S, C]]] | None = None
    """(merchant, aggregate id) → the `on_timer` of one firing, for commands that need data from outside the stream."""
    _locks: WeakValueDictionary[Stream, asyncio.Lock] = field(default_factory=WeakValueDictionary, init=False, repr=False)
    _cache: LRUCache[Stream, tuple[StoredEvent, Loaded[S]]] = field(
        default_factory=lambda: LRUCache(CACHED_STREAMS_MAX), init=False, repr=False
    )
    """Stream → its last event and the state after it."""

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
        loaded: Loaded[S] | None = None,
        again: Callable[[C], Awaitable[C]] | None = None,
    ) -> Handled[E, S]:
        """Decide on the command and write its events.

        `loaded` is a result of `load` of this request. The first attempt decides on it instead of reading the stream again;
        its version guards the write, as in every attempt.

        `again` returns the command for the attempt after a conflict, if it contains data that was read outside of the stream.

        With a key, the answer of `answer` or `refused` is stored in the same write and returned to every repetition. A
        repetition that arrives while the first request runs waits for it. `statements` run in the same transaction if there
        are events. Without `refused` the domain's refusal is raised. Raises KeyReused when another request used the key,
        StoreBusy when the store accepts no more work, StoreAway when the database stays away, StreamBlocked, and VersionConflict
        after ATTEMPTS conflicts.
        """
        stream = self.aggregate.stream(context.merchant_id, id)
        note(context.merchant_id, stream.name)
        async with self._lock(stream):
            for _ in range(ATTEMPTS):
                before, loaded = loaded or await self._load(stream), None
                outcome: Outcome[E, S] | None = None
                try:
                    outcome, write_set = decide(self.aggregate, context, before, command)
                    result = answer(outcome) if answer else None
                    if statements and outcome.events:
                        write_set = replace(write_set, statements=(*write_set.statements, *statements(outcome)))
                except self.aggregate.refusal as refusal:
                    if refused is None:
                        if key and (result := await self.store.answer_to(key)):
                            return Handled(None, result)
                        raise
                    write_set, result = WriteSet(), refused(refusal)
                except StreamBlocked:
                    if key and (result := await self.store.answer_to(key)):
                        return Handled(None, result)
                    raise
                if key and result:
                    write_set = replace(write_set, answer=(key, result))
                try:
                    if not write_set.empty:
                        await self.store.write(write_set)
                except VersionConflict:
                    command = await again(command) if again else command
                    continue
                except AlreadyAnswered:
                    if key and (result := await self.store.answer_to(key)):
                        return Handled(None, result)
                    continue
                return Handled(outcome, result)
        raise VersionConflict(stream.name)

    async def fire(self, context: Context, id: UUID, name: str, now: datetime) -> Outcome[E, S] | None:
        """Handle the command of the timer `name`; `now` is by the merchant's clock.

        Returns None when the state has no such timer, or one that is due later; then the stored timer is corrected.
        Raises the domain's refusal, which leaves the timer unchanged.
        """
        on_timer = await self.load_on_timer(context.merchant_id, id) if self.load_on_timer else self.aggregate.on_timer
        assert on_timer, f"{self.aggregate.kind} declares no command for its timers"
        stream = self.aggregate.stream(context.merchant_id, id)
        async with self._lock(stream):
            for _ in range(ATTEMPTS):
                before = await self._load(stream)
                due_at = self.aggregate.timers(before.state).get(name) if before.state is not None else None
                outcome: Outcome[E, S] | None = None
                if before.state is None or due_at is None:
                    write_set = WriteSet(clear_timers=((before.stream, name),))
                elif due_at > now:
                    write_set = WriteSet(set_timers=(Timer(before.stream, name, due_at),))
                else:
                    command = on_timer(name, before.state, now)
                    outcome, write_set = decide(self.aggregate, context, before, command)
                try:
                    if not write_set.empty:
                        await self.store.write(write_set)
                except VersionConflict:
                    continue
                return outcome
        raise VersionConflict(stream.name)

    async def state(self, merchant_id: UUID, id: UUID) -> tuple[int, S | None]:
        """The aggregate's version and state: 0 and None when it does not exist."""
        loaded = await self.load(merchant_id, id)
        return loaded.version, loaded.state

    async def load(self, merchant_id: UUID, id: UUID) -> Loaded[S]:
        """The aggregate's current version and state, for a decision."""
        return await self._load(self.aggregate.stream(merchant_id, id))

    def _lock(self, stream: Stream) -> asyncio.Lock:
        """Serializes this process's commands to one aggregate: of concurrent ones, all but one would end in a conflict."""
        return self._locks.setdefault(stream, asyncio.Lock())

    async def _load(self, stream: Stream) -> Loaded[S]:
        """Read the events after the cached state, together with the last cached event.

        If that event is missing or different, the database was restored from a backup, and the whole stream is read.
        """
        last, cached = self._cache.pop(stream, (None, None))
        events = await self.store.read(stream, since=last.version if last else 1)
        if last and events[:1] != [last]:
            cached, events = None, await self.store.read(stream)
        loaded = rehydrate(self.aggregate, stream, events[1:] if cached else events, cached)
        if events:
            self._cache[stream] = events[-1], loaded
        return loaded
