"""Subscribers on a real Kafka, in the test's own process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from faststream.kafka import KafkaBroker

from billing_contracts.registry import Topic
from billing_subscriber.handler import Handler
from billing_subscriber.kafka import Subscription, subscribe
from chassis.kafka_access import KafkaAccess
from portalctl import topics


def group() -> str:
    """A consumer group of the test's own."""
    return f"tests.{uuid4().hex[:8]}"


async def dead_letter_topic(kafka: str, of: str) -> str:
    name = f"{of}.dlq"
    await topics.apply(KafkaAccess(kafka), {name: Topic(name, partitions=1)})
    return name


def connected(kafka: str, handler: Handler[Any], dead_letters: str, **options: Any) -> tuple[KafkaBroker, Subscription]:
    """A broker and its subscription, not started. A rebalance takes until the members' next heartbeats."""
    broker = KafkaBroker(kafka, logger=None, graceful_timeout=15)
    return broker, subscribe(broker, handler, dead_letters=dead_letters, heartbeat_interval_ms=300, **options)


@asynccontextmanager
async def member(kafka: str, handler: Handler[Any], dead_letters: str, **options: Any) -> AsyncIterator[Subscription]:
    """One running member of the handler's group."""
    broker, subscription = connected(kafka, handler, dead_letters, **options)
    await broker.start()
    try:
        yield subscription
    finally:
        await broker.stop()
