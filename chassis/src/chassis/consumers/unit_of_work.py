"""What the reactions to one batch of records want done: committed together with the batch's offsets, or not at all."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import asyncpg
import structlog

from chassis.decoding import Received
from chassis.event_store.write_sets import append_on, grouped, read_on, run
from chassis.eventsourcing.aggregate import Aggregate, Loaded, Outcome
from chassis.eventsourcing.command_handler import NoSuchAggregate, decide, rehydrate
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.decider import C, E, S
from chassis.eventsourcing.event_store import Append, Recorded, Statement, Stored, Timer, WriteSet
from chassis.eventsourcing.stream import Stream
from chassis.scope import note

log = structlog.get_logger()

A = TypeVar("A")

Work = Callable[[asyncpg.Connection], Awaitable[None]]


class RecordFailed(Exception):
    """What one record of a batch wants failed; the cause tells why."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class StaleRead(Exception):
    """Data that a reaction has read changed before the commit. The batch is tried again from the start."""


@dataclass
class _Appending:
    expected: int
    events: list[Recorded] = field(default_factory=list)


class UnitOfWork:
    """One attempt at one batch. Reactions to its records see what earlier ones of the batch decided."""

    connection: asyncpg.Connection
    """For SELECTs, while reactions run: nothing may be written or locked before the streams have been read."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self._read: dict[Stream, list[Stored]] = {}
        self._past: dict[Stream, Loaded[Any]] = {}
        self._appending: dict[Stream, _Appending] = {}
        self._timers: dict[tuple[Stream, str], datetime | None] = {}
        self._statements: list[tuple[UUID | None, int, Statement]] = []
        self._works: list[tuple[int, Work]] = []
        self._groups: dict[Hashable, Any] = {}
        self._current = 0
        self._customer: UUID | None = None
        self._reading = True

    async def ask(
        self,
        aggregate: Aggregate[C, E, S],
        id: UUID,
        command: C,
        *,
        cause: Received[Any],
        statements: Callable[[Outcome[E, S]], Sequence[Statement]] | None = None,
    ) -> Outcome[E, S] | None:
        """Asks the rules; what they decide is appended when the batch is committed, and seen by later questions at once.

        None when the rules refuse, or have nothing to say of what does not exist: that is an outcome, and the event
        counts as handled. `statements` are the service's own rows that go with the outcome, when it has events.
        """
        envelope = cause.envelope
        context = Context(envelope.merchantid, f"event:{envelope.type}", envelope.correlationid, envelope.id)
        past = await self._past_of(aggregate, aggregate.stream(envelope.merchantid, id))
        note(aggregate=past.stream.name)
        try:
            outcome, write_set = decide(aggregate, context, past, command)
        except (aggregate.refusal, NoSuchAggregate) as refusal:
            log.info("reaction.refused", refusal=type(refusal).__name__, cause=envelope.type)
            return None
        self._past[past.stream] = outcome.past
        self._take(write_set)
        rows = [*write_set.statements, *(statements(outcome) if statements and outcome.events else ())]
        self._keep(envelope.customerid, rows)
        return outcome

    async def state(self, aggregate: Aggregate[C, E, S], merchant_id: UUID, id: UUID) -> tuple[int, S | None]:
        """The aggregate's version and state, as decided so far in this batch."""
        past = await self._past_of(aggregate, aggregate.stream(merchant_id, id))
        return past.version, past.state

    def write(self, *statements: Statement) -> None:
        """Changes to the service's own tables: after the appends, in the same transaction.

        Those of one customer keep their order, and those of no customer keep theirs to all others. Between customers the
        same SQL goes together.
        """
        self._keep(self._customer, statements)

    def at_commit(self, work: Work) -> None:
        """Does the work first in the transaction. It may lock and write, and ask of streams that have been read already."""
        self._works.append((self._current, work))

    def group(self, key: Hashable, create: Callable[[], A]) -> A:
        """The value that the records of this batch share under `key`, created on first use."""
        if key not in self._groups:
            self._groups[key] = create()
        return cast(A, self._groups[key])

    async def load(self, streams: Sequence[Stream]) -> None:
        """Reads streams before they are asked, all in one query."""
        missing = list(dict.fromkeys(stream for stream in streams if stream not in self._read))
        if not missing:
            return
        if not self._reading:
            raise RuntimeError("a stream asked at commit must have been read before: name it in Consumer.streams")
        self._read.update(await read_on(self.connection, missing))

    def begin(self, index: int, customer: UUID | None = None) -> None:
        """What follows is wanted by the record at `index` of the batch, which is about the customer, or about none."""
        self._current, self._customer = index, customer

    async def commit(self, inbox: Sequence[tuple[str, UUID]]) -> None:
        """Does and writes all that was asked for, in the caller's transaction.

        Raises Culprit when what one record wants cannot be done, VersionConflict when somebody appended meanwhile,
        AlreadyHandled when somebody handled the same events.
        """
        self._reading = False
        for index, work in self._works:
            self.begin(index)
            await _attributed(index, work(self.connection))
        write_set = WriteSet(
            tuple(Append(stream, each.expected, tuple(each.events)) for stream, each in self._appending.items()),
            inbox=tuple(inbox),
            set_timers=tuple(Timer(*key, due) for key, due in self._timers.items() if due is not None),
            clear_timers=tuple(key for key, due in self._timers.items() if due is None),
        )
        if not write_set.empty:
            await append_on(self.connection, [write_set])
        wanted = ((customer, each.sql, (index, each.args)) for customer, index, each in self._statements)
        for sql, rows in grouped(wanted):
            running = run(self.connection, sql, [args for _, args in rows])
            # Of several rows PostgreSQL does not say which one failed: then the batch is divided.
            await (_attributed(rows[0][0], running) if len(rows) == 1 else running)

    async def _past_of(self, aggregate: Aggregate[C, E, S], stream: Stream) -> Loaded[S]:
        if stream not in self._past:
            await self.load([stream])
            self._past[stream] = rehydrate(aggregate, stream, self._read[stream])
        return self._past[stream]

    def _take(self, write_set: WriteSet) -> None:
        for append in write_set.appends:
            self._appending.setdefault(append.stream, _Appending(append.expected)).events.extend(append.events)
        for timer in write_set.set_timers:
            self._timers[timer.stream, timer.name] = timer.due_at
        for cleared in write_set.clear_timers:
            self._timers[cleared] = None

    def _keep(self, customer: UUID | None, statements: Iterable[Statement]) -> None:
        self._statements.extend((customer, self._current, statement) for statement in statements)


async def _attributed(index: int, doing: Awaitable[A]) -> A:
    try:
        return await doing
    except StaleRead:
        raise
    except Exception as error:
        raise RecordFailed(index) from error
