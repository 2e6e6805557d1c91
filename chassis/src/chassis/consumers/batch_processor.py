"""One consumer at work on a batch of records: what it does about them is committed whole, or not at all."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, cast
from uuid import UUID

import asyncpg
import structlog

from chassis.consumers import inbox, quarantine
from chassis.consumers.consumer import Consumer
from chassis.consumers.metrics import DIVERGED, HANDLED, QUARANTINED, REDONE, UNKNOWN
from chassis.consumers.offsets import Fenced
from chassis.consumers.progress import Progress
from chassis.consumers.unit_of_work import RecordFailed, StaleRead, UnitOfWork
from chassis.decoding import Decoded, Erased, Ignored, RawRecord, Received, RecordDecoder, Undecodable
from chassis.eventsourcing.event_store import AlreadyHandled, VersionConflict
from chassis.eventsourcing.stream import Stream
from chassis.outbox.commit_signals import CommitSignals
from chassis.postgres.connection import Connection
from chassis.postgres.transactions import transaction
from chassis.projections.projection import Diverged
from chassis.projections.projector import Projector
from chassis.projections.row_store import Overtaken
from chassis.runtime.faults import Backoff, describe_error, is_transient
from chassis.runtime.outages import outages
from chassis.runtime.telemetry import incoming, span
from chassis.scope import scoped

log = structlog.get_logger()

ATTEMPTS = 3
"""How often a record is tried alone before it is put aside."""

CommitOffsets = Callable[[Connection, Sequence[RawRecord]], Awaitable[None]]
"""Notes, in the transaction of the records' effects, that they were handled; without effects in no transaction, so that it is one
statement. Raises Fenced when another member handled them.
"""
Changed = set[tuple[UUID, UUID]]

_TOPIC = attrgetter("topic")
_OVERTAKEN = (VersionConflict, AlreadyHandled, Overtaken, StaleRead)


_TOO_LARGE = (TimeoutError, asyncpg.TransactionTimeoutError, asyncpg.QueryCanceledError)
"""What a part that takes too long ends with, however often it is tried: a smaller one may not."""


class Stopped(Exception):
    """Told to stop while waiting for a fault to pass: nothing of the records in hand was committed."""


class _Tried(Exception):
    """Undoes a transaction that was only to show whether the records are still to be dealt with."""


class BatchProcessor:
    def __init__(self, consumer: Consumer, pool: asyncpg.Pool, stop: asyncio.Event, commits: CommitSignals | None = None) -> None:
        self._consumer, self._pool, self._stop = consumer, pool, stop
        self.progress = Progress()
        self._commits = commits or CommitSignals(pool)
        for topic in consumer.topics:
            for counted in (HANDLED, UNKNOWN, QUARANTINED, DIVERGED):
                counted.labels(consumer.group, topic)  # shown from the start, so that the first one is seen as a rise
        self._reader = RecordDecoder(consumer.decode, consumer.concerns, consumer.erasable, consumer.kinds)

    def read(self, records: Sequence[RawRecord]) -> list[Decoded]:
        """What each record says, in order; never raises. May be done while an earlier batch is being dealt with."""
        return [self._reader.read(record) for record in records]

    async def handle(
        self, records: Sequence[RawRecord], settle: CommitOffsets, readings: Sequence[Decoded] | None = None
    ) -> Changed:
        """Deals with every record, in order; returns whose projected documents changed, as (merchant, customer).
        `readings` are what `read` made of the records, when that has been done.

        What passes by itself is waited for. When one record spoils the batch, those before it go first, then it alone,
        then the rest; a record that fails alone a third time is put aside. Raises Fenced when somebody else dealt with
        the records, Stopped when told to stop meanwhile; nothing else.
        """
        changed: Changed = set()
        readings = self.read(records) if readings is None else readings
        parts = [range(len(records))]
        redone = False
        backoff = Backoff()
        failures = waits = 0
        while parts:
            part = parts[0]
            try:
                changed |= await self._attempt(records[part.start : part.stop], settle, readings[part.start : part.stop])
            except Fenced:
                raise
            except _OVERTAKEN as overtaken:
                REDONE.labels(self._consumer.group, type(overtaken).__name__).inc()
                if redone and len(part) > 1:
                    parts[:1] = _halves(part)
                elif redone:
                    await self._pause(backoff, overtaken, records[part.start : part.stop], settle)
                redone = True
            except Exception as error:
                fault = error.__cause__ if isinstance(error, RecordFailed) and error.__cause__ else error
                if is_transient(fault):
                    await self._pause(backoff, fault, records[part.start : part.stop], settle)
                    if (waits := waits + 1) >= ATTEMPTS and len(part) > 1 and isinstance(fault, _TOO_LARGE):
                        parts[:1], waits = _halves(part), 0
                elif len(part) > 1:
                    parts[:1] = _split_around(part, error.index) if isinstance(error, RecordFailed) else _halves(part)
                elif (failures := failures + 1) < ATTEMPTS:
                    await self._pause(backoff, fault, [records[part[0]]], settle)
                else:
                    changed |= await self._condemn(records[part[0]], readings[part[0]], fault, settle)
                    parts.pop(0)
                    failures, waits, redone = 0, 0, False
            else:
                parts.pop(0)
                failures, waits, redone = 0, 0, False
                backoff.reset()
        return changed

    async def discard(self, records: Sequence[RawRecord], settle: CommitOffsets) -> Changed:
        """Goes on without records that were put aside. Raises Fenced, and whatever a fault raises."""
        readings = self.read(records)
        async with self._pool.acquire() as proxy:
            connection = cast(asyncpg.Connection, proxy)
            folding = Projector(self._consumer.projections)
            await folding.load(connection, readings)
            for index, reading in enumerate(readings):
                folding.skip(index, reading)
            async with connection.transaction():
                await settle(connection, records)
                return await self._save(connection, folding)

    async def _attempt(
        self, records: Sequence[RawRecord], settle: CommitOffsets, readings: Sequence[Decoded], tell: bool = True
    ) -> Changed:
        """One transaction. Reads everything first, without a transaction id: the relay's order depends on it."""
        concerning = {index: it for index, it in enumerate(readings) if not isinstance(it, Ignored) or it.envelope}
        aside = [(records[index], reading) for index, reading in concerning.items() if isinstance(reading, Undecodable)]
        async with self._pool.acquire() as proxy:
            connection = cast(asyncpg.Connection, proxy)
            if not concerning:  # one statement: without effects there is nothing that it would have to go with
                await settle(connection, records)
                self._count(records, readings, aside)
                return set()
            batch, folding = UnitOfWork(connection), Projector(self._consumer.projections)
            fresh = await self._fresh(connection, concerning)
            await batch.load(self._prefetched(fresh))
            await folding.load(connection, readings)
            for index, reading in concerning.items():
                batch.begin(index, _customer(reading))
                try:
                    folding.fold(index, reading)
                    await self._react(reading, batch, index in fresh)
                except Diverged as diverged:
                    log.error("consumer.diverged", group=self._consumer.group, why=str(diverged), **_location(records[index]))
                    DIVERGED.labels(self._consumer.group, records[index].topic).inc()
                    aside.append((records[index], Undecodable(f"Diverged: {diverged}")))
                    fresh.pop(index, None)
                except Exception as error:
                    raise RecordFailed(index) from error
            # Kafka still has what a server that stops would lose of projections; a reaction's events may be sent at once.
            async with transaction(connection, lasting=bool(fresh)):
                await batch.commit([(self._consumer.group, received.envelope.id) for received in fresh.values()])
                changed = await self._save(connection, folding, tell)
                await settle(connection, records)
                await quarantine.keep(connection, self._consumer.group, aside, self._consumer.personal)
        if fresh:
            self._commits.signal()
        self._count(records, readings, aside)
        return changed

    async def _fresh(self, connection: asyncpg.Connection, concerning: dict[int, Decoded]) -> dict[int, Received[Any]]:
        """Of the events that have a reaction, those not handled before, each once; by index."""
        if not self._consumer.reactions:
            return {}
        asked = {
            reading.envelope.id: (index, reading)
            for index, reading in reversed(concerning.items())
            if isinstance(reading, Received) and reading.envelope.type in self._consumer.reactions
        }
        handled = await inbox.handled(connection, self._consumer.group, list(asked))
        return dict(sorted((place for id, place in asked.items() if id not in handled), key=lambda place: place[0]))

    def _prefetched(self, fresh: Mapping[int, Received[Any]]) -> list[Stream]:
        streams: list[Stream] = []
        for index, received in fresh.items():
            if asked := self._consumer.streams.get(received.envelope.type):
                try:
                    streams.extend(asked(received))
                except Exception as error:
                    raise RecordFailed(index) from error
        return streams

    async def _react(self, reading: Decoded, batch: UnitOfWork, fresh: bool) -> None:
        if isinstance(reading, Received) and fresh:
            envelope = reading.envelope
            parent = incoming({name: value.decode(errors="replace") for name, value in reading.headers if value is not None})
            here = scoped(merchant=envelope.merchantid, aggregate=envelope.subject)
            with here, span(f"{self._consumer.group} {envelope.type}", parent):
                await self._consumer.reactions[envelope.type](reading, batch)
        elif isinstance(reading, Erased) and self._consumer.erased:
            await self._consumer.erased(reading, batch)

    async def _save(self, connection: asyncpg.Connection, folding: Projector, tell: bool = True) -> Changed:
        changed = await folding.save(connection)
        if changed and tell and self._consumer.after:
            await self._consumer.after(connection, changed)
        return changed

    async def _condemn(self, record: RawRecord, reading: Decoded, fault: BaseException, settle: CommitOffsets) -> Changed:
        """Quarantines a record that can be read, but not handled.

        When that fails for the record's own sake, its aggregate is not marked as stale any more: then nothing is written that
        depends on the record but its bytes. Should that fail too, the member is shown as stuck until an operator skips it.
        """
        personal = record.topic in self._consumer.personal
        error = type(fault).__name__ if personal else f"{type(fault).__name__}: {fault}"
        condemned = Undecodable(error)
        if isinstance(reading, Received):
            envelope = reading.envelope
            condemned = Undecodable(error, envelope.merchantid, envelope.subject, envelope.sequence)
        where, group = _location(record), self._consumer.group
        log.error("consumer.not_handled", group=group, error=error, exc_info=None if personal else fault, **where)
        backoff, tell = Backoff(), True
        while True:
            try:
                changed = await self._attempt([record], settle, [condemned], tell)
            except Fenced:
                self.progress.stuck = None
                raise
            except Exception as again:
                if not is_transient(again) and not tell:
                    self._show_stuck(record, again)
                elif not is_transient(again):
                    condemned, tell = Undecodable(error), False
                await self._pause(backoff, again, [record], settle)
            else:
                self.progress.stuck = None
                return changed

    def _show_stuck(self, record: RawRecord, error: Exception) -> None:
        place = f"{record.topic}/{record.partition}@{record.offset}"
        self.progress.stuck = f"{place}: {type(error).__name__}"
        if (suppressed := outages.sparingly("consumer.stuck", self._consumer.group, place)) is not None:
            where = _location(record)
            log.error("consumer.stuck", group=self._consumer.group, error=describe_error(error), suppressed=suppressed, **where)

    async def _pause(self, backoff: Backoff, fault: BaseException, records: Sequence[RawRecord], settle: CommitOffsets) -> None:
        """Raises Stopped once told to stop, Fenced once the records are dealt with elsewhere, or an operator skipped them."""
        REDONE.labels(self._consumer.group, type(fault).__name__).inc()
        if is_transient(fault):
            outages.failed(fault, "postgres", task=f"consumer {self._consumer.group}")
        elif (suppressed := outages.sparingly("consumer.retried", self._consumer.group, type(fault).__name__)) is not None:
            log.warning("consumer.retried", group=self._consumer.group, error=type(fault).__name__, suppressed=suppressed)
        await backoff.wait(self._stop)
        if self._stop.is_set():
            self.progress.stuck = None
            raise Stopped
        await self._still_ours(records, settle)

    async def _still_ours(self, records: Sequence[RawRecord], settle: CommitOffsets) -> None:
        """Raises Fenced when the records need not be dealt with any more. Changes nothing; what else fails will fail again."""
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await settle(connection, records)
                raise _Tried
        except Fenced:
            self.progress.stuck = None
            raise
        except Exception:
            return

    def _count(
        self, records: Sequence[RawRecord], readings: Sequence[Decoded], aside: Sequence[tuple[RawRecord, Undecodable]]
    ) -> None:
        group = self._consumer.group
        for topic, handled in Counter(map(_TOPIC, records)).items():
            HANDLED.labels(group, topic).inc(handled)
        for record, reading in zip(records, readings, strict=True):
            if isinstance(reading, Ignored) and not reading.known:
                UNKNOWN.labels(group, record.topic).inc()
        for record, found in aside:
            QUARANTINED.labels(group, record.topic).inc()
            log.error("consumer.quarantined", group=group, error=found.error, **_location(record))


def _customer(reading: Decoded) -> UUID | None:
    match reading:
        case Received(envelope=envelope):
            return envelope.customerid
        case Erased(id=id):
            return id
        case _:
            return None


def _halves(part: range) -> list[range]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]]


def _split_around(part: range, culprit: int) -> list[range]:
    """What came before the culprit, the culprit alone, and the rest."""
    return [each for each in (part[:culprit], part[culprit : culprit + 1], part[culprit + 1 :]) if each]


def _location(record: RawRecord) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
