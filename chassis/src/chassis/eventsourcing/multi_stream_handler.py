"""Commands that decide on several streams and write all of them in one write set."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from chassis.eventsourcing.aggregate import Aggregate, Loaded, Outcome
from chassis.eventsourcing.command_handler import ATTEMPTS, decide, rehydrate
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.decider import C, E, S
from chassis.eventsourcing.event_store import (
    Answer,
    EventStore,
    IdempotencyKey,
    Statement,
    StoredEvent,
    VersionConflict,
    WriteSet,
)
from chassis.eventsourcing.stream import Stream


class StreamDecisions:
    """The decisions of one attempt, on the events that were read for it."""

    def __init__(self, context: Context, stored: Mapping[Stream, Sequence[StoredEvent]]) -> None:
        self._context, self._stored = context, stored
        self._loaded: dict[Stream, Loaded[Any]] = {}
        self._decided: set[Stream] = set()
        self.write_set = WriteSet()

    def state(self, aggregate: Aggregate[C, E, S], id: UUID) -> S | None:
        """The aggregate's state. Its stream must be one of those that were read."""
        return self._load(aggregate, id).state

    def version(self, aggregate: Aggregate[C, E, S], id: UUID) -> int:
        """The version of the aggregate's stream as it was read."""
        return self._load(aggregate, id).version

    def decide(self, aggregate: Aggregate[C, E, S], id: UUID, command: C) -> Outcome[E, S]:
        """Add the decision to the write set. Each stream is decided once. Raises the domain's refusal, NoSuchAggregate."""
        outcome, write_set = decide(aggregate, self._context, self._load(aggregate, id), command)
        assert outcome.stream not in self._decided, f"{outcome.stream.name} is decided once"
        self._decided.add(outcome.stream)
        before = self.write_set
        self.write_set = replace(
            before,
            appends=before.appends + write_set.appends,
            statements=before.statements + write_set.statements,
            set_timers=before.set_timers + write_set.set_timers,
            clear_timers=before.clear_timers + write_set.clear_timers,
        )
        return outcome

    def write(self, *statements: Statement) -> None:
        """Rows of the service's own tables, written after those of earlier decisions."""
        self.write_set = replace(self.write_set, statements=self.write_set.statements + statements)

    def _load(self, aggregate: Aggregate[C, E, S], id: UUID) -> Loaded[S]:
        stream = aggregate.stream(self._context.merchant_id, id)
        if stream not in self._loaded:
            self._loaded[stream] = rehydrate(aggregate, stream, self._stored[stream])
        return cast(Loaded[S], self._loaded[stream])


@dataclass(frozen=True, slots=True)
class MultiStreamHandler:
    store: EventStore

    async def handle(
        self,
        context: Context,
        streams: Sequence[Stream],
        command: Callable[[StreamDecisions], Awaitable[Answer]],
        *,
        key: IdempotencyKey | None = None,
    ) -> Answer:
        """Read the streams, run `command` and write its decisions; again after a version conflict.

        `command` runs once per attempt, after the streams have been read: what it reads elsewhere is at least as new as they
        are. If it raises, nothing is written. Raises AlreadyAnswered, KeyReused and StoreBusy like
        EventStore.write, and VersionConflict when the attempts are exhausted.
        """
        for _ in range(ATTEMPTS):
            decisions = StreamDecisions(context, await self.store.read_many(streams))
            answer = await command(decisions)
            try:
                await self.store.write(replace(decisions.write_set, answer=(key, answer) if key else None))
            except VersionConflict:
                continue
            return answer
        raise VersionConflict(streams[0].name)
