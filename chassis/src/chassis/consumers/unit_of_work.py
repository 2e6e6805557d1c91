"""The writes that the reactions to one batch of records decide, committed with the batch's offsets or not at all."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import asyncpg
import structlog

from chassis.decoding import Received
from chassis.event_store.write_sets import append_write_sets, grouped, read_streams, run
from chassis.eventsourcing.aggregate import Aggregate, Loaded, Outcome
from chassis.eventsourcing.command_handler import NoSuchAggregate, decide, rehydrate
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.decider import C, E, S
from chassis.eventsourcing.event_store import Append, RecordedEvent, Statement, StoredEvent, Timer, WriteSet
from chassis.eventsourcing.lost_events import StreamBlocked
from chassis.eventsourcing.stream import Stream
from chassis.scope import note

log = structlog.get_logger()

A = TypeVar("A")

CommitHook = Callable[[asyncpg.Connection], Awaitable[None]]


class RecordFailed(Exception):
    """One record of the batch failed; `__cause__` is the error."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class StaleRead(Exception):
    """Data that a reaction has read changed before the commit. The batch is tried again from the start."""


@dataclass
class _PendingAppend:
    expected: int
    events: list[RecordedEvent] = field(default_factory=list)


class UnitOfWork:
    """One attempt at one batch. A reaction sees the decisions of earlier reactions in the batch."""

    connection: asyncpg.Connection
    """For SELECTs in reactions. Do not write or lock here: all streams must be read before the first write."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self._events: dict[Stream, list[StoredEvent]] = {}
        self._loaded: dict[Stream, Loaded[Any]] = {}
        self._appends: dict[Stream, _PendingAppend] = {}
        self._timers: dict[tuple[Stream, str], datetime | None] = {}
        self._statements: list[tuple[UUID | None, int, Statement]] = []
        self._commit_hooks: list[tuple[int, CommitHook]] = []
        self._groups: dict[Hashable, Any] = {}
        self._index = 0
        self._customer: UUID | None = None
        self._may_read = True

    async def decide(
        self,
        aggregate: Aggregate[C, E, S],
        id: UUID,
        command: C,
        *,
        cause: Received[Any],
        statements: Callable[[Outcome[E, S]], Sequence[Statement]] | None = None,
    ) -> Outcome[E, S] | None:
        """Decide a command. The events are appended at commit; later decisions of the batch see them immediately.

        Returns None if the rules refuse or the aggregate does not exist; the event still counts as handled. Raises StreamBlocked.
        `statements` returns the service's own rows for an outcome that has events.
        """
        envelope = cause.envelope
        context = Context(envelope.merchantid, f"event:{envelope.type}", envelope.correlationid, envelope.id)
        loaded = await self._load(aggregate, aggregate.stream(envelope.merchantid, id))
        note(aggregate=loaded.stream.name)
        if envelope.id in loaded.lost.causes:
            return None  # decided before the restore
        try:
            outcome, write_set = decide(aggregate, context, loaded, command)
        except (aggregate.refusal, NoSuchAggregate) as refusal:
            log.info("reaction.refused", refusal=type(refusal).__name__, cause=envelope.type)
            return None
        self._loaded[loaded.stream] = replace(outcome.loaded, lost=loaded.lost)
        self._add(write_set)
        rows = [*write_set.statements, *(statements(outcome) if statements and outcome.events else ())]
        self._add_statements(envelope.customerid, rows)
        return outcome

    async def state(self, aggregate: Aggregate[C, E, S], merchant_id: UUID, id: UUID) -> tuple[int, S | None]:
        """The aggregate's version and state after the decisions of this batch so far."""
        loaded = await self._load(aggregate, aggregate.stream(merchant_id, id))
        return loaded.version, loaded.state

    async def complete_state(self, aggregate: Aggregate[C, E, S], merchant_id: UUID, id: UUID) -> S | None:
        """The aggregate's state, for a decision on another stream. Raises StreamBlocked while events of it are under review."""
        loaded = await self._load(aggregate, aggregate.stream(merchant_id, id))
        if loaded.lost.under_review:
            raise StreamBlocked(loaded.stream.name)
        return loaded.state

    async def decided_before_restore(self, aggregate: Aggregate[C, E, S], id: UUID, *, cause: Received[Any]) -> bool:
        """Whether the aggregate's lost events follow from this event. Then `decide` does nothing."""
        loaded = await self._load(aggregate, aggregate.stream(cause.envelope.merchantid, id))
        return cause.envelope.id in loaded.lost.causes

    def write(self, *statements: Statement) -> None:
        """Change the service's own tables, after the appends and in the same transaction.

        Statements of one customer keep their order; statements without a customer keep their order to all others. Equal SQL
        of different customers is sent together.
        """
        self._add_statements(self._customer, statements)

    def at_commit(self, hook: CommitHook) -> None:
        """Call the hook at the start of the transaction. It may lock, write, and decide on streams that were read earlier."""
        self._commit_hooks.append((self._index, hook))

    def group(self, key: Hashable, create: Callable[[], A]) -> A:
        """The value that the records of this batch share under `key`, created on first use."""
        if key not in self._groups:
            self._groups[key] = create()
        return cast(A, self._groups[key])

    async def load_streams(self, streams: Sequence[Stream]) -> None:
        """Read the events of several streams in one query, for later decisions."""
        missing = list(dict.fromkeys(stream for stream in streams if stream not in self._events))
        if not missing:
            return
        if not self._may_read:
            raise RuntimeError("name the streams that a commit hook uses in Consumer.streams_to_load: nothing can be loaded now")
        self._events.update(await read_streams(self.connection, missing))

    def start_record(self, index: int, customer: UUID | None = None) -> None:
        """Attribute what follows to the record at `index` of the batch, and to its customer if it has one."""
        self._index, self._customer = index, customer

    async def flush(self, inbox: Sequence[tuple[str, UUID]]) -> None:
        """Run the hooks and write everything, in the caller's transaction.

        Raises RecordFailed if the writes of one record fail, VersionConflict if another writer appended to a stream, and
        AlreadyHandled if another member handled one of the events.
        """
        self._may_read = False
        for index, hook in self._commit_hooks:
            self.start_record(index)
            await _attributed(index, hook(self.connection))
        write_set = WriteSet(
            tuple(Append(stream, each.expected, tuple(each.events)) for stream, each in self._appends.items()),
            inbox=tuple(inbox),
            set_timers=tuple(Timer(*key, due) for key, due in self._timers.items() if due is not None),
            clear_timers=tuple(key for key, due in self._timers.items() if due is None),
        )
        if not write_set.empty:
            await append_write_sets(self.connection, [write_set])
        statements = ((customer, each.sql, (index, each.args)) for customer, index, each in self._statements)
        for sql, rows in grouped(statements):
            running = run(self.connection, sql, [args for _, args in rows])
            # For several rows PostgreSQL does not name the one that failed; the batch processor then divides the batch.
            await (_attributed(rows[0][0], running) if len(rows) == 1 else running)

    async def _load(self, aggregate: Aggregate[C, E, S], stream: Stream) -> Loaded[S]:
        if stream not in self._loaded:
            await self.load_streams([stream])
            self._loaded[stream] = rehydrate(aggregate, stream, self._events[stream])
        return self._loaded[stream]

    def _add(self, write_set: WriteSet) -> None:
        for append in write_set.appends:
            self._appends.setdefault(append.stream, _PendingAppend(append.expected)).events.extend(append.events)
        for timer in write_set.set_timers:
            self._timers[timer.stream, timer.name] = timer.due_at
        for cleared in write_set.clear_timers:
            self._timers[cleared] = None

    def _add_statements(self, customer: UUID | None, statements: Iterable[Statement]) -> None:
        self._statements.extend((customer, self._index, statement) for statement in statements)


async def _attributed(index: int, work: Awaitable[A]) -> A:
    try:
        return await work
    except StaleRead:
        raise
    except Exception as error:
        raise RecordFailed(index) from error
