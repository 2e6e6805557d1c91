"""Creates topics of a run and counts their records."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition

PARTITIONS = 6


async def fresh_topic(bootstrap: str) -> str:
    """Create an empty topic with six partitions and a unique name."""
    topic = f"bench.{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    finally:
        await admin.close()
    await asyncio.sleep(0.2)  # until the broker has announced the leaders
    return topic


@asynccontextmanager
async def producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer with the relay's durability: acks=all, idempotent."""
    started = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=10_000, max_batch_size=128 * 1024
    )
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


async def publish(sending: AIOKafkaProducer, topic: str, records: Sequence[tuple[bytes, bytes]], at_once: int = 1000) -> None:
    """Send (key, value) records in pipelined groups and wait for all acknowledgements."""
    for start in range(0, len(records), at_once):
        futures = [await sending.send(topic, value, key) for key, value in records[start : start + at_once]]
        await asyncio.gather(*futures)


async def count(bootstrap: str, topic: str) -> int:
    """The number of records ever written to the topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(topic, number) for number in range(PARTITIONS)])
        return sum(ends.values())
    finally:
        await consumer.stop()
