"""Processes a batch of records in one transaction, and divides it when a record fails."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, cast
from uuid import UUID

import asyncpg
import structlog

from chassis.consumers import inbox, quarantine
from chassis.consumers.consumer import Consumer, CustomerKey
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
"""Attempts at a single record before it is quarantined."""

CommitOffsets = Callable[[Connection, Sequence[RawRecord]], Awaitable[None]]
"""Moves the stored offsets past the records, in the transaction of their effects. Without effects it runs outside a transaction,
so it must be one statement. Raises Fenced if another member has already moved them.
"""

_TOPIC = attrgetter("topic")
_CONFLICTS = (VersionConflict, AlreadyHandled, Overtaken, StaleRead)

_TIMEOUTS = (TimeoutError, asyncpg.TransactionTimeoutError, asyncpg.QueryCanceledError)
"""A batch that is too large fails with one of these at each attempt; a smaller one can succeed."""


class Stopped(Exception):
    """The process was stopped during a back-off. Nothing of the current part was committed."""


class _RolledBack(Exception):
    """Rolls back a transaction that only checked the offsets."""


class BatchProcessor:
    def __init__(self, consumer: Consumer, pool: asyncpg.Pool, stop: asyncio.Event, commits: CommitSignals | None = None) -> None:
        self._consumer, self._pool, self._stop = consumer, pool, stop
        self.progress = Progress()
        self._commits = commits or CommitSignals(pool)
        for topic in consumer.topics:
            for counter in (HANDLED, UNKNOWN, QUARANTINED, DIVERGED):
                counter.labels(consumer.group, topic)  # export a zero, so that the first increment is visible as a rise
        self._decoder = RecordDecoder(consumer.decode, consumer.handled_types, consumer.erasable_topics, consumer.projected_kinds)

    def decode(self, records: Sequence[RawRecord]) -> list[Decoded]:
        """Decode records, in order. Never raises. May run while an earlier batch is being processed."""
        return [self._decoder.decode(record) for record in records]

    async def handle(
        self, records: Sequence[RawRecord], commit_offsets: CommitOffsets, decoded: Sequence[Decoded] | None = None
    ) -> set[CustomerKey]:
        """Process every record in order; return the owners of changed documents as (merchant, customer).

        `decoded` is the result of `decode` for the same records, if it exists already.
        Transient faults are retried with a back-off. If one record fails, the records before it are committed first, then
        it is tried alone, then the rest. A record that fails alone `ATTEMPTS` times is quarantined.
        Raises only Fenced (another member has processed the records) and Stopped.
        """
        changed: set[CustomerKey] = set()
        decoded = self.decode(records) if decoded is None else decoded
        parts = [range(len(records))]
        had_conflict = False
        backoff = Backoff()
        failures = waits = 0
        while parts:
            part = parts[0]
            try:
                changed |= await self._attempt(records[part.start : part.stop], commit_offsets, decoded[part.start : part.stop])
            except Fenced:
                raise
            except _CONFLICTS as conflict:
                REDONE.labels(self._consumer.group, type(conflict).__name__).inc()
                if had_conflict and len(part) > 1:
                    parts[:1] = _halves(part)
                elif had_conflict:
                    await self._back_off(backoff, conflict, records[part.start : part.stop], commit_offsets)
                had_conflict = True
            except Exception as error:
                fault = error.__cause__ if isinstance(error, RecordFailed) and error.__cause__ else error
                if is_transient(fault):
                    await self._back_off(backoff, fault, records[part.start : part.stop], commit_offsets)
                    if (waits := waits + 1) >= ATTEMPTS and len(part) > 1 and isinstance(fault, _TIMEOUTS):
                        parts[:1], waits = _halves(part), 0
                elif len(part) > 1:
                    parts[:1] = _split_around(part, error.index) if isinstance(error, RecordFailed) else _halves(part)
                elif (failures := failures + 1) < ATTEMPTS:
                    await self._back_off(backoff, fault, [records[part[0]]], commit_offsets)
                else:
                    changed |= await self._quarantine(records[part[0]], decoded[part[0]], fault, commit_offsets)
                    parts.pop(0)
                    failures, waits, had_conflict = 0, 0, False
            else:
                parts.pop(0)
                failures, waits, had_conflict = 0, 0, False
                backoff.reset()
        return changed

    async def discard(self, records: Sequence[RawRecord], commit_offsets: CommitOffsets) -> set[CustomerKey]:
        """Continue without quarantined records. Raises Fenced, and the errors of Kafka and PostgreSQL."""
        decoded = self.decode(records)
        async with self._pool.acquire() as proxy:
            connection = cast(asyncpg.Connection, proxy)
            projector = Projector(self._consumer.projections)
            await projector.load(connection, decoded)
            for index, each in enumerate(decoded):
                projector.skip(index, each)
            async with connection.transaction():
                await commit_offsets(connection, records)
                return await self._save(connection, projector)

    async def _attempt(
        self,
        records: Sequence[RawRecord],
        commit_offsets: CommitOffsets,
        decoded: Sequence[Decoded],
        call_before_commit: bool = True,
    ) -> set[CustomerKey]:
        """Process the records in one transaction.

        All reads precede it, without a transaction id: the relay waits for the lowest id that still runs.
        """
        relevant = {index: each for index, each in enumerate(decoded) if not isinstance(each, Ignored) or each.envelope}
        to_quarantine = [(records[index], each) for index, each in relevant.items() if isinstance(each, Undecodable)]
        async with self._pool.acquire() as proxy:
            connection = cast(asyncpg.Connection, proxy)
            if not relevant:  # no effects: the offsets move in one statement without a transaction
                await commit_offsets(connection, records)
                self._count(records, decoded, to_quarantine)
                return set()
            unit, projector = UnitOfWork(connection), Projector(self._consumer.projections)
            unhandled = await self._unhandled(connection, relevant)
            await unit.load_streams(self._streams_of(unhandled))
            await projector.load(connection, decoded)
            for index, event in relevant.items():
                unit.start_record(index, _customer(event))
                try:
                    projector.fold(index, event)
                    await self._react(event, unit, index in unhandled)
                except Diverged as diverged:
                    log.error("consumer.diverged", group=self._consumer.group, why=str(diverged), **_location(records[index]))
                    DIVERGED.labels(self._consumer.group, records[index].topic).inc()
                    to_quarantine.append((records[index], Undecodable(f"Diverged: {diverged}")))
                    unhandled.pop(index, None)
                except Exception as error:
                    raise RecordFailed(index) from error
            # Without reactions the commit need not wait for the disk: projections lost in a crash are read again from Kafka.
            async with transaction(connection, durable=bool(unhandled)):
                await unit.flush([(self._consumer.group, received.envelope.id) for received in unhandled.values()])
                changed = await self._save(connection, projector, call_before_commit)
                await commit_offsets(connection, records)
                await quarantine.add(connection, self._consumer.group, to_quarantine, self._consumer.personal_topics)
        if unhandled:
            self._commits.signal()
        self._count(records, decoded, to_quarantine)
        return changed

    async def _unhandled(self, connection: asyncpg.Connection, relevant: dict[int, Decoded]) -> dict[int, Received[Any]]:
        """The events that have a reaction and are not in the inbox, by index, without duplicates."""
        if not self._consumer.reactions:
            return {}
        candidates = {
            each.envelope.id: (index, each)
            for index, each in reversed(relevant.items())
            if isinstance(each, Received) and each.envelope.type in self._consumer.reactions
        }
        handled = await inbox.handled(connection, self._consumer.group, list(candidates))
        return dict(sorted((each for id, each in candidates.items() if id not in handled), key=lambda each: each[0]))

    def _streams_of(self, unhandled: Mapping[int, Received[Any]]) -> list[Stream]:
        streams: list[Stream] = []
        for index, received in unhandled.items():
            if streams_of := self._consumer.streams_to_load.get(received.envelope.type):
                try:
                    streams.extend(streams_of(received))
                except Exception as error:
                    raise RecordFailed(index) from error
        return streams

    async def _react(self, event: Decoded, unit: UnitOfWork, unhandled: bool) -> None:
        if isinstance(event, Received) and unhandled:
            envelope = event.envelope
            parent = incoming({name: value.decode(errors="replace") for name, value in event.headers if value is not None})
            here = scoped(merchant=envelope.merchantid, aggregate=envelope.subject)
            with here, span(f"{self._consumer.group} {envelope.type}", parent):
                await self._consumer.reactions[envelope.type](event, unit)
        elif isinstance(event, Erased) and self._consumer.on_erased:
            await self._consumer.on_erased(event, unit)

    async def _save(
        self, connection: asyncpg.Connection, projector: Projector, call_before_commit: bool = True
    ) -> set[CustomerKey]:
        changed = await projector.save(connection)
        if changed and call_before_commit and self._consumer.before_commit:
            await self._consumer.before_commit(connection, changed)
        return changed

    async def _quarantine(
        self, record: RawRecord, decoded: Decoded, fault: BaseException, commit_offsets: CommitOffsets
    ) -> set[CustomerKey]:
        """Quarantine a record that failed permanently, and mark its aggregate's documents as stale.

        If that fails because of the record, quarantine only its bytes. If that fails too, report the member as stuck until
        an operator skips the record.
        """
        personal = record.topic in self._consumer.personal_topics
        error = type(fault).__name__ if personal else f"{type(fault).__name__}: {fault}"
        failed = Undecodable(error)
        if isinstance(decoded, Received):
            envelope = decoded.envelope
            failed = Undecodable(error, envelope.merchantid, envelope.subject, envelope.sequence)
        location, group = _location(record), self._consumer.group
        log.error("consumer.record_failed", group=group, error=error, exc_info=None if personal else fault, **location)
        backoff, only_bytes = Backoff(), False
        while True:
            try:
                changed = await self._attempt([record], commit_offsets, [failed], call_before_commit=not only_bytes)
            except Fenced:
                self.progress.stuck = None
                raise
            except Exception as again:
                if not is_transient(again) and only_bytes:
                    self._report_stuck(record, again)
                elif not is_transient(again):
                    failed, only_bytes = Undecodable(error), True
                await self._back_off(backoff, again, [record], commit_offsets)
            else:
                self.progress.stuck = None
                return changed

    def _report_stuck(self, record: RawRecord, error: Exception) -> None:
        name = f"{record.topic}/{record.partition}@{record.offset}"
        self.progress.stuck = f"{name}: {type(error).__name__}"
        if (suppressed := outages.sparingly("consumer.stuck", self._consumer.group, name)) is not None:
            location = _location(record)
            log.error(
                "consumer.stuck", group=self._consumer.group, error=describe_error(error), suppressed=suppressed, **location
            )

    async def _back_off(
        self, backoff: Backoff, fault: BaseException, records: Sequence[RawRecord], commit_offsets: CommitOffsets
    ) -> None:
        """Wait before the next attempt.

        Raises Stopped if the process stops, Fenced if another member has processed the records or an operator skipped them.
        """
        REDONE.labels(self._consumer.group, type(fault).__name__).inc()
        if is_transient(fault):
            outages.failed(fault, "postgres", task=f"consumer {self._consumer.group}")
        elif (suppressed := outages.sparingly("consumer.retried", self._consumer.group, type(fault).__name__)) is not None:
            log.warning("consumer.retried", group=self._consumer.group, error=type(fault).__name__, suppressed=suppressed)
        await backoff.wait(self._stop)
        if self._stop.is_set():
            self.progress.stuck = None
            raise Stopped
        await self._check_not_fenced(records, commit_offsets)

    async def _check_not_fenced(self, records: Sequence[RawRecord], commit_offsets: CommitOffsets) -> None:
        """Raise Fenced if the offsets have moved. Changes nothing; other errors are left to the next attempt."""
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await commit_offsets(connection, records)
                raise _RolledBack
        except Fenced:
            self.progress.stuck = None
            raise
        except Exception:
            return

    def _count(
        self, records: Sequence[RawRecord], decoded: Sequence[Decoded], quarantined: Sequence[tuple[RawRecord, Undecodable]]
    ) -> None:
        group = self._consumer.group
        for topic, handled in Counter(map(_TOPIC, records)).items():
            HANDLED.labels(group, topic).inc(handled)
        for record, each in zip(records, decoded, strict=True):
            if isinstance(each, Ignored) and not each.known:
                UNKNOWN.labels(group, record.topic).inc()
        for record, undecodable in quarantined:
            QUARANTINED.labels(group, record.topic).inc()
            log.error("consumer.quarantined", group=group, error=undecodable.error, **_location(record))


def _customer(decoded: Decoded) -> UUID | None:
    match decoded:
        case Received(envelope=envelope):
            return envelope.customerid
        case Erased(id=id):
            return id
        case _:
            return None


def _halves(part: range) -> list[range]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]]


def _split_around(part: range, failed: int) -> list[range]:
    """The records before the failed one, the failed one, and the records after it."""
    return [each for each in (part[:failed], part[failed : failed + 1], part[failed + 1 :]) if each]


def _location(record: RawRecord) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
