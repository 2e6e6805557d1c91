"""Public events of the topics, filtered, from an instant on."""

import heapq
import json
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from billing_contracts.envelope import Envelope, topic_of
from billing_contracts.registry import EVENTS
from chassis.decoding import RawRecord
from chassis.kafka_access import KafkaAccess
from portalctl.local.errors import StackError
from verify.topics import Reading, envelope_of, reading

EVENT_TOPICS = tuple(sorted({topic_of(type) for type in EVENTS}))
"""Other topics, such as watermarks, carry no events."""
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Filter:
    """None: any."""

    merchant: UUID | None = None
    customer: UUID | None = None
    correlation: UUID | None = None
    types: Collection[str] = ()
    """Empty: any."""

    def accepts(self, envelope: Envelope) -> bool:
        return (
            self.merchant in (None, envelope.merchantid)
            and self.customer in (None, envelope.customerid)
            and self.correlation in (None, envelope.correlationid)
            and (not self.types or envelope.type in self.types)
        )

    @property
    def accepts_all(self) -> bool:
        return self == Filter()


@dataclass(frozen=True)
class Line:
    """A record. Without an envelope: a tombstone, or a value that consumers quarantine."""

    recorded: float
    """Seconds since 1970: the event's time of storage, or the record's if it has no envelope."""
    place: str
    key: str
    envelope: Envelope | None
    tombstone: bool

    def as_json(self) -> str:
        if self.envelope is None:
            return json.dumps({"place": self.place, "key": self.key, "erased" if self.tombstone else "undecodable": True})
        return json.dumps({"place": self.place, **self.envelope.model_dump(mode="json", exclude_none=True)})

    def __str__(self) -> str:
        if self.envelope is None:
            return f"{self.place}\t{printable(self.key)}\t{'erased' if self.tombstone else 'cannot be decoded'}"
        it = self.envelope
        name = it.type.split(".")[-2]
        who = f"customer {it.customerid}" if it.customerid else f"merchant {it.merchantid}"
        cause = f" caused by {it.causationid}" if it.causationid else ""
        about = f"{it.subject} version {it.sequence}\t{who}\tcorrelation {it.correlationid}{cause}"
        when = it.recordedtime.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        return printable(f"{when}Z\t{name}\t{about}\t{json.dumps(it.data, ensure_ascii=False)}")


def types_named(name: str) -> list[str]:
    """The event types of a full type, or of a name without version. Raises StackError that lists the names."""
    matches = [type for type, event in EVENTS.items() if name in (type, event.__name__)]
    if not matches:
        names = ", ".join(sorted(event.__name__ for event in EVENTS.values()))
        raise StackError(f"unknown type {name!r}; expected one of {names}, or a full type such as {next(iter(EVENTS))}")
    return matches


def check_topic(name: str) -> None:
    if name not in EVENT_TOPICS:
        raise StackError(f"unknown topic {name!r}; expected one of {', '.join(EVENT_TOPICS)}")


async def tail(
    kafka: KafkaAccess, topics: Collection[str], criteria: Filter, since: datetime, *, limit: int, follow: bool
) -> AsyncIterator[Line]:
    """The last `limit` events since the instant in the order of their recording; then, with `follow`, new ones as they arrive."""
    async with reading(kafka, topics) as consumer:
        next = await _since(consumer, since)
        newest: list[tuple[float, str, Line]] = []

        def collect(_: TopicPartition, records: Iterable[RawRecord]) -> None:
            for line in _lines(records, criteria):
                entry = line.recorded, line.place, line
                (heapq.heappush if len(newest) < limit else heapq.heappushpop)(newest, entry)

        ends = await consumer.end_offsets(list(next))
        reader = Reading(consumer, kafka, ends, next, collect, [])
        await reader.to_the_end(_PATIENCE_SECONDS)
        for _, _, line in sorted(newest):
            yield line
        newest.clear()
        arrived: list[Line] = []
        endless = dict.fromkeys(next, 1 << 62)
        waiting = Reading(consumer, kafka, endless, reader.next, lambda _, records: arrived.extend(_lines(records, criteria)), [])
        while follow:
            await waiting.step(waiting.left)
            for line in sorted(arrived, key=lambda line: (line.recorded, line.place)):
                yield line
            arrived.clear()


async def _since(consumer: AIOKafkaConsumer, since: datetime) -> dict[TopicPartition, int]:
    partitions = list(consumer.assignment())
    milliseconds = max(0, int(since.timestamp() * 1000))
    matches = await consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    ends = await consumer.end_offsets(partitions)
    next = {each: matches[each].offset if matches.get(each) is not None else ends[each] for each in partitions}
    for partition, offset in next.items():
        consumer.seek(partition, offset)
    return next


def _lines(records: Iterable[RawRecord], criteria: Filter) -> Iterator[Line]:
    for record in records:
        envelope = envelope_of(record.value)
        if envelope is None and not criteria.accepts_all:
            continue
        if envelope is not None and not criteria.accepts(envelope):
            continue
        recorded = envelope.recordedtime.timestamp() if envelope else getattr(record, "timestamp", time.time() * 1000) / 1000
        place = f"{record.topic}/{record.partition}@{record.offset}"
        key = (record.key or b"").decode(errors="backslashreplace")
        yield Line(recorded, place, key, envelope, record.value is None)


def printable(text: str) -> str:
    """Text without characters that control a terminal; tabs stay."""
    return "".join(each if each.isprintable() or each == "\t" else ascii(each)[1:-1] for each in text)
