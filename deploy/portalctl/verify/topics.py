"""Raw records of every topic of the contracts, read as nobody's group."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code

from billing_contracts.envelope import Envelope
from billing_contracts.registry import TOPICS
from portalctl.local.failures import StackError
from portalctl.verify.canaries import holds_card_number
from portalctl.verify.rows import Partition, Record


@asynccontextmanager
async def reading(bootstrap_servers: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of every partition of every topic. Raises KafkaError when nobody answers, StackError when a topic is missing."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        consumer.assign(await _partitions(bootstrap_servers))
        yield consumer
    finally:
        await consumer.stop()


async def ends_of(consumer: AIOKafkaConsumer) -> dict[Partition, int]:
    """The next offset of every partition."""
    found = await consumer.end_offsets(list(consumer.assignment()))
    return {(partition.topic, partition.partition): end for partition, end in found.items()}


async def read_all(consumer: AIOKafkaConsumer, cut: Mapping[Partition, int]) -> tuple[Sequence[Record], Sequence[str]]:
    """Everything that is there now, in the order of topic, partition and offset; and where a card's number is."""
    ends = await ends_of(consumer)
    partitions = [TopicPartition(*place) for place in ends]
    await consumer.seek_to_beginning(*partitions)
    found: list[Record] = []
    leaks: list[str] = []
    left = {partition for partition in partitions if ends[partition.topic, partition.partition] > 0}
    while left:
        for partition, batch in (await consumer.getmany(*left, timeout_ms=200)).items():
            end = ends[partition.topic, partition.partition]
            for raw in batch:
                if raw.offset >= end:
                    break
                place = partition.topic, partition.partition
                record = Record(*place, raw.offset, raw.key, raw.value, envelope_of(raw.value), raw.offset < cut.get(place, 0))
                found.append(record)
                headers = b"\n".join(value for _, value in raw.headers)
                if holds_card_number(b"\n".join((raw.key or b"", raw.value or b"", headers))):
                    leaks.append(f"record {record.place}")
        left = {each for each in left if await consumer.position(each) < ends[each.topic, each.partition]}
    return sorted(found, key=lambda record: (record.topic, record.partition, record.offset)), leaks


async def _partitions(bootstrap_servers: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        described = await admin.describe_topics(list(TOPICS))
    finally:
        await admin.close()
    for topic in described:
        if topic["error_code"]:
            raise StackError(f"the topic {topic['topic']} cannot be read ({for_code(topic['error_code']).__name__})")
    return [TopicPartition(topic["topic"], each["partition"]) for topic in described for each in topic["partitions"]]


def envelope_of(value: bytes | None) -> Envelope | None:
    if value is None:
        return None
    try:
        return Envelope.model_validate_json(value)
    except ValueError:
        return None
