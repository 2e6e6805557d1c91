"""Passes records from FastStream to a handler: `pip install 'billing-contracts[faststream]'`.

A record's offset is committed after its effect. After a failure, the partition pauses and the run is fetched again; later records
of the partition wait for it, and other partitions continue. Each attempt has its own poll, so that a long outage does not end
the membership in the group. A member that loses it repeats records, which the store recognises.
"""

import asyncio
import functools
import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, MessageSizeTooLargeError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage, Topic
from faststream.kafka.message import FAKE_CONSUMER
from faststream.kafka.subscriber.usecase import BatchSubscriber

from billing_contracts.customers import CustomerProfile
from billing_contracts.records import RawRecord
from billing_subscriber.handler import Handler
from billing_subscriber.positions import GapFound

log = logging.getLogger("billing_subscriber")

PERSONAL = frozenset({CustomerProfile.topic()})
"""Topics with personal data: dead letters contain no values and no original headers of them."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
"""Seconds after a failure. Each further failure in the same partition doubles the pause."""
BATCH_SECONDS = 10.0
"""The rest of a longer batch is fetched again, because the group expects a poll every five minutes."""
_RECORDS_MAX = 500
_PUBLISH_SECONDS = 10.0
_REASON_CHARACTERS_MAX = 1_000
_PRODUCER_OPTIONS = {"acks": "all", "enable_idempotence": True, "max_request_size": 2**30}
"""The topic decides which record is too large, not the producer."""
_CONSUMER_OPTIONS = frozenset({"client_rack", "group_instance_id"})
_POLL_SECONDS = 0.1

Records = tuple[ConsumerRecord[bytes | None, bytes | None], ...]
Offsets = dict[TopicPartition, int]


class Subscription:
    """A handler's membership in its consumer group, returned by `subscribe`. Starts and stops with the broker."""

    def __init__(self, broker: KafkaBroker, handler: Handler[Any], dead_letters: str, options: dict[str, Any]) -> None:
        self.handler, self.topics, self.dead_letters = handler, handler.topics(), dead_letters
        self._pauses: dict[TopicPartition, float] = {}
        self._dead_letters_exist = False
        subscriber = broker.subscriber(
            *(Topic(name, declare=False) for name in self.topics),
            group_id=handler.group,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            batch=True,
            max_records=_RECORDS_MAX,
            parser=_parse,
            decoder=_decode,
            **options,
        )
        assert isinstance(subscriber, BatchSubscriber)
        subscriber(self._on_batch)
        self._subscriber = subscriber

    def consumer(self, **options: Any) -> AIOKafkaConsumer:
        """A new consumer with the broker's connection and security settings; not started."""
        build: Callable[..., AIOKafkaConsumer] = self._subscriber.builder
        return build(enable_auto_commit=False, **options)

    async def _on_batch(self, message: KafkaMessage) -> None:
        """Never raises, because FastStream would continue after the batch."""
        consumer = self._subscriber.consumer
        records = message.raw_message
        assert consumer is not None, "a batch has a consumer"
        assert isinstance(records, tuple), "the subscriber receives batches"
        done: Offsets = {}
        rest: Offsets = {}
        failed: set[TopicPartition] = set()
        try:
            if await self._can_store_dead_letters(consumer):
                await self._handle(records, done, rest, failed)
            else:
                rest = _firsts(records)
        except Exception:
            log.exception("subscriber.batch_failed group=%s", self.handler.group)
            done, rest, failed = {}, _firsts(records), set()
            await self._wait(LONGEST_PAUSE)
        for partition, offset in rest.items():
            with suppress(IllegalStateError):  # the partition belongs to another member now
                consumer.seek(partition, offset)
                if partition in failed:
                    self._pause(consumer, partition)
        await self._commit(consumer, done)

    async def _handle(self, records: Sequence[RawRecord], done: Offsets, rest: Offsets, failed: set[TopicPartition]) -> None:
        until = time.monotonic() + BATCH_SECONDS
        for run in self.handler.runs(records):
            partition = TopicPartition(run.first.topic, run.first.partition)
            if partition in rest:
                continue
            if not self._subscriber.running or time.monotonic() > until:
                rest[partition] = run.first.offset
                continue
            try:
                await self.handler.take(run, self._send_dead_letter)
            except Exception as error:
                rest[partition] = run.first.offset
                failed.add(partition)
                self._report(run.last, error)
            else:
                done[partition] = run.last.offset + 1
                self._pauses.pop(partition, None)

    async def _commit(self, consumer: AIOKafkaConsumer, done: Offsets) -> None:
        """Commit offsets. After a failure the records are fetched again and recognised as handled."""
        assigned = {partition: offset for partition, offset in done.items() if partition in consumer.assignment()}
        try:
            if assigned:
                await consumer.commit(assigned)
        except (KafkaError, IllegalStateError) as error:
            log.warning("subscriber.commit_failed group=%s error=%s", self.handler.group, type(error).__name__)

    def _report(self, record: RawRecord, error: Exception) -> None:
        self.handler.counts["failed"] += 1
        shown = type(error).__name__ if record.topic in PERSONAL else repr(error)
        where = self.handler.group, record.topic, record.partition, record.offset
        level = logging.ERROR if isinstance(error, GapFound) else logging.WARNING
        log.log(level, "subscriber.effect_failed group=%s topic=%s partition=%d offset=%d error=%s", *where, shown)

    def _pause(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
        """Pause a partition after a failure; the others continue. Raises IllegalStateError if the partition is not assigned."""
        pause = self._pauses.get(partition, FIRST_PAUSE)
        self._pauses[partition] = min(2 * pause, LONGEST_PAUSE)
        consumer.pause(partition)
        asyncio.get_running_loop().call_later(pause * random.uniform(1.0, 1.2), _resume, consumer, partition)

    async def _wait(self, seconds: float) -> None:
        """Return early if the subscription stops."""
        until = time.monotonic() + seconds
        while self._subscriber.running and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, _POLL_SECONDS))

    async def _can_store_dead_letters(self, consumer: AIOKafkaConsumer) -> bool:
        """Check before the first record, so that a missing topic is noticed before a dead letter must be stored."""
        if not self._dead_letters_exist:
            self._dead_letters_exist = self.dead_letters in await consumer.topics()
            if not self._dead_letters_exist:
                create = f"python -m billing_subscriber create-topic {self.dead_letters}"
                log.error("subscriber.dead_letter_topic_missing topic=%s create=%r", self.dead_letters, create)
                await self._wait(LONGEST_PAUSE)
        return self._dead_letters_exist

    async def _send_dead_letter(self, record: RawRecord, reason: str) -> None:
        """Return when all in-sync replicas have the dead letter, because the record's offset is committed afterwards."""
        value, state = record.value, "whole"
        if record.topic in PERSONAL:
            value, state = None, "withheld"
        elif value is None:
            state = "absent"
        async with asyncio.timeout(_PUBLISH_SECONDS), AIOKafkaProducer(**self._connection(), **_PRODUCER_OPTIONS) as producer:
            try:
                await self._publish(producer, record, reason, value, state)
            except MessageSizeTooLargeError:
                await self._publish(producer, record, reason, None, "too large")
        log.error("subscriber.dead_letter topic=%s partition=%d offset=%d", record.topic, record.partition, record.offset)

    async def _publish(self, producer: AIOKafkaProducer, record: RawRecord, reason: str, value: bytes | None, state: str) -> None:
        origin = {
            "reason": reason[:_REASON_CHARACTERS_MAX],
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "group": self.handler.group,
            "value": state,
        }
        original = [] if record.topic in PERSONAL else list(record.headers)
        headers = [*original, *((f"dead_letter_{name}", each.encode(errors="backslashreplace")) for name, each in origin.items())]
        await producer.send_and_wait(self.dead_letters, value or b"", key=record.key, headers=headers)

    def _connection(self) -> dict[str, Any]:
        """The broker's connection and security settings, for a separate producer: the broker's own may not wait for replicas."""
        builder = self._subscriber.builder
        assert isinstance(builder, functools.partial), "FastStream adds the connection"
        return {name: value for name, value in builder.keywords.items() if name not in _CONSUMER_OPTIONS}


def subscribe(broker: KafkaBroker, handler: Handler[Any], *, dead_letters: str, **options: Any) -> Subscription:
    """Subscribe the handler to its topics, from the broker's start on. Call it after all effects are registered.

    `dead_letters`: an existing topic for records that can never be handled. `options` are passed to `broker.subscriber`, for
    example `group_instance_id`. Raises ValueError if the handler is incomplete.
    """
    return Subscription(broker, handler, dead_letters, options)


def _resume(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    with suppress(IllegalStateError):  # the partition belongs to another member now
        consumer.resume(partition)


def _firsts(records: Sequence[RawRecord]) -> Offsets:
    return {TopicPartition(record.topic, record.partition): record.offset for record in reversed(records)}


async def _parse(records: Records) -> KafkaMessage:
    """Leave headers undecoded: one that is not UTF-8 would fail the whole batch."""
    first, last = records[0], records[-1]
    return KafkaMessage(raw_message=records, body=b"", message_id=f"{first.offset}-{last.offset}", consumer=FAKE_CONSUMER)


async def _decode(message: KafkaMessage) -> object:
    return message.raw_message
