"""Operator actions on quarantined records and on records at which a consumer is stuck."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
from aiokafka import TopicPartition

from chassis.consumers import offsets, quarantine, record_sets
from chassis.consumers.quarantine import NotNext, NotQuarantined, Quarantined, ValueNotStored
from chassis.consumers.record_sets import CorruptRecordSet
from chassis.decoding import RawRecord, Record, Undecodable, named_by
from chassis.kafka_access import KafkaAccess
from portalctl.local.databases import connect
from portalctl.local.errors import StackError
from verify.consumers import SERVICE_CONSUMERS, ServiceConsumer
from verify.sources import Sources

T = TypeVar("T")


class Quarantines:
    """The quarantine of one service. Methods yield lines for people and scripts, and raise StackError."""

    def __init__(self, sources: Sources, service: str) -> None:
        self._sources, self._service = sources, service
        self._consumer = _consumer_of(service)

    def lines(self) -> Iterator[str]:
        """One line per waiting record: id, state, group, offset, aggregate and error, separated by tabs."""
        return map(_line, self._run(quarantine.pending))

    def details(self, id: int) -> Iterator[str]:
        return _particulars(self._run(lambda connection: quarantine.get(connection, id)))

    def objects(self) -> Iterator[dict[str, Any]]:
        """The waiting records for JSON, without keys, headers and values, which may be personal."""
        return map(_object, self._run(quarantine.pending))

    def object(self, id: int) -> dict[str, Any]:
        """One record for JSON. Bytes are in base64."""
        it = self._run(lambda connection: quarantine.get(connection, id))
        headers = [[name, _base64(value)] for name, value in it.record.headers]
        value = {"value": _base64(it.record.value), "value_bytes": it.value_length, "value_sha256": it.value_sha256}
        return _object(it) | {"key": _base64(it.record.key), "headers": headers, **value}

    def retry(self, id: int) -> Iterator[str]:
        self._run(lambda connection: quarantine.retry(connection, id))
        yield f"{self._service} will handle record {id} again"

    def discard(self, id: int) -> Iterator[str]:
        self._run(lambda connection: quarantine.discard(connection, id))
        yield f"{self._service} will continue without record {id}"

    def skip(self, topic: str, partition: int, offset: int) -> Iterator[str]:
        """Move the service's group past the record at which it is stuck, or past the whole undecodable record set."""
        consumer, place = self._consumer.consumer, TopicPartition(topic, partition)
        if topic not in consumer.topics:
            raise StackError(f"{consumer.group} does not read {topic}, but {', '.join(consumer.topics)}")

        async def move_past(connection: asyncpg.Connection) -> tuple[Quarantined, int]:
            stands = (await offsets.stored(connection, consumer.group, [place])).get(place)
            if stands is None:
                raise StackError(f"{consumer.group} has not started to read {topic}/{partition}")
            next = await _next(self._sources.kafka, place, stands.next)
            if not min(next.record.offset, stands.next) <= offset < next.after:
                raise NotNext(stands.next)
            reason = Undecodable(f"skipped by an operator{next.why}", *named_by(next.record.key))
            stored = await quarantine.skip(
                connection, consumer.group, next.record, reason, consumer.personal_topics, at=stands.next, after=next.after
            )
            return stored, next.after

        try:
            stored, after = self._run(move_past)
        except NotNext as error:
            stands = f"stands at offset {error.next}: only the record at this offset can be skipped"
            raise StackError(f"{consumer.group} {stands}") from None
        yield f"{consumer.group} continues at {topic}/{partition}@{after}; the skipped record has the id {stored.id}"

    def _run(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        async def run() -> T:
            connection = await connect(self._sources.databases[self._consumer.database], timeout=10)
            try:
                return await work(connection)
            finally:
                await connection.close()

        try:
            return asyncio.run(run())
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StackError(f"the database of {self._service} cannot be used: {type(error).__name__}: {error}") from error
        except NotQuarantined:
            raise StackError(f"{self._service} has no such record in quarantine, or it is settled already") from None
        except ValueNotStored:
            raise StackError("the record's value is personal and was not stored: the record can only be discarded") from None


@dataclass(frozen=True)
class _Next:
    record: RawRecord
    """Without key and value if it cannot be decoded."""
    after: int
    why: str = ""


async def _next(kafka: KafkaAccess, partition: TopicPartition, stands: int) -> _Next:
    """The next record of a group at this offset. Raises StackError if it does not exist yet."""
    data = (await record_sets.fetch(kafka, {partition: stands}))[partition]
    try:
        records = record_sets.decode(partition, data, stands).records
    except CorruptRecordSet as error:
        why = f": offsets {error.offset} to {error.after - 1} cannot be decoded ({error.why})"
        return _Next(Record(*partition, max(stands, error.offset), None, None), max(error.after, stands + 1), why)
    if not records:
        raise StackError(f"no record exists at {partition.topic}/{partition.partition}@{stands} yet")
    return _Next(records[0], records[0].offset + 1)


def _line(it: Quarantined) -> str:
    place = f"{it.record.topic}/{it.record.partition}@{it.record.offset}"
    return "\t".join(map(_printable, (str(it.id), it.state, it.group, place, it.aggregate or "-", *it.error.splitlines()[:1])))


def _object(it: Quarantined) -> dict[str, Any]:
    return {
        "id": it.id,
        "state": it.state,
        "group": it.group,
        "topic": it.record.topic,
        "partition": it.record.partition,
        "offset": it.record.offset,
        "merchant_id": None if it.merchant_id is None else str(it.merchant_id),
        "aggregate": it.aggregate,
        "error": it.error,
        "quarantined_at": it.quarantined_at.isoformat(),
        "times": it.times,
    }


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _particulars(it: Quarantined) -> Iterator[str]:
    """All stored fields of a record. Bytes are written as Python literals, because they may contain anything."""
    yield _line(it)
    yield f"quarantined {it.quarantined_at.isoformat()}, {it.times} times"
    yield f"merchant {it.merchant_id or '-'}"
    yield f"key {it.record.key!r}"
    for name, value in it.record.headers:
        yield f"header {name!a} {value!r}"
    length = "none: a tombstone" if it.value_length is None else f"{it.value_length} bytes, SHA-256 {it.value_sha256}"
    yield f"value {length}"
    if it.record.value is not None:
        yield repr(it.record.value)
    yield from map(_printable, it.error.splitlines())


def _printable(text: str) -> str:
    """Text without characters that control a terminal or end a field."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _consumer_of(service: str) -> ServiceConsumer:
    consumers = {each.database.replace("_", "-"): each for each in SERVICE_CONSUMERS}
    if service not in consumers:
        raise StackError(f"unknown service {service}; expected {', '.join(consumers)}")
    return consumers[service]
