"""Example events, projections and a Kafka producer for tests of consumers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer

from billing_contracts.envelope import Envelope, EventData, record_key
from billing_contracts.registry import Topic
from chassis.decoding import Record
from chassis.kafka_access import KafkaAccess
from chassis.projections.projection import Document, Projection
from portalctl import topics

NOON = datetime(2023, 5, 20, 12, tzinfo=UTC)
MERCHANT = UUID(int=1)


class Lit(EventData):
    TYPE = "billing.lamps.Lit.v1"

    watts: int = 40


class Painted(EventData):
    """An event that carries the whole state."""

    TYPE = "billing.paints.Painted.v1"

    colour: str


KNOWN: dict[str, type[EventData]] = {each.TYPE: each for each in (Lit, Painted)}


def data_of(envelope: Envelope) -> EventData:
    return KNOWN[envelope.type].model_validate(envelope.data)


def lit(
    lamp: UUID, sequence: int, *, watts: int | str = 40, id: UUID | None = None, customer: UUID | None = None, **change: Any
) -> Envelope:
    return Envelope(
        id=id or uuid4(),
        source="/billing/lamps",
        type=change.get("type", Lit.TYPE),
        subject=f"lamp-{lamp}",
        time=NOON,
        recordedtime=NOON,
        sequence=sequence,
        merchantid=change.get("merchant", MERCHANT),
        customerid=customer,
        correlationid=uuid4(),
        data={"watts": watts},
    )


def painted(customer: UUID, sequence: int, colour: str) -> Envelope:
    changed = {"type": Painted.TYPE, "subject": f"customer-{customer}", "customerid": customer, "data": {"colour": colour}}
    return lit(uuid4(), sequence).model_copy(update=changed)


def sum_of_watts(doc: Document | None, envelope: Envelope) -> Document:
    seen = doc or {"watts": 0, "times": 0}
    return {"watts": seen["watts"] + envelope.data["watts"], "times": seen["times"] + 1}


LAMPS = Projection("lamp", frozenset({Lit.TYPE}), sum_of_watts)
PAINTS = Projection("customer", frozenset({Painted.TYPE}), lambda _, envelope: envelope.data, state=True)


def record(envelope: Envelope, topic: str = "billing.lamps", offset: int = 0) -> Record:
    headers = [(name, value.encode()) for name, value in envelope.headers().items()]
    return Record(topic, 0, offset, envelope.key(), envelope.value(), headers)


def tombstone(customer: UUID, topic: str = "billing.paints") -> Record:
    return Record(topic, 0, 0, record_key(MERCHANT, f"customer-{customer}"), None)


@asynccontextmanager
async def producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    sending = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=2)
    await sending.start()
    try:
        yield sending
    finally:
        await sending.stop()


async def publish(to: AIOKafkaProducer, topic: str, records: Sequence[Record | Envelope], partition: int | None = None) -> None:
    """Send the records in order. Keys choose the partition unless one is given."""
    raws = [record(each) if isinstance(each, Envelope) else each for each in records]
    for sent in [await to.send(topic, raw.value, raw.key, partition, headers=list(raw.headers)) for raw in raws]:
        await sent


async def make_topic(bootstrap: str, name: str, partitions: int = 3) -> str:
    await topics.apply(KafkaAccess(bootstrap), {name: Topic(name, partitions)})
    return name


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = 30) -> None:
    """Wait until the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)
