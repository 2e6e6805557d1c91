"""Brings a handler its records through FastStream: `pip install 'billing-contracts[faststream]'`.

A record's offset is committed after its effect. A run that fails is fetched again after a pause of its partition, and until it
is handled nothing behind it in its partition is; other partitions are read meanwhile. Each attempt is a poll of its own, so a
long outage does not cost the membership in the group; a member that lost it all the same repeats records, which the store
recognises.
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
"""Topics of which no value and no original header is kept in a dead letter."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
"""Seconds after a failure; each further failure in the same partition doubles them."""
BATCH_SECONDS = 10.0
"""After which the rest of a batch is fetched again: the group expects a poll every five minutes."""
_MAX_RECORDS = 500
_PUBLISH_SECONDS = 10.0
_REASON_LENGTH = 1_000
_CAREFUL = {"acks": "all", "enable_idempotence": True, "max_request_size": 2**30}
"""The topic decides which record is too large."""
_OF_CONSUMERS = frozenset({"client_rack", "group_instance_id"})
_LOOK_EVERY = 0.1

Records = tuple[ConsumerRecord[bytes | None, bytes | None], ...]
Offsets = dict[TopicPartition, int]


class Subscription:
    """A handler's membership in its consumer group. Made by `subscribe`; starts and stops with the broker."""

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
            max_records=_MAX_RECORDS,
            parser=_parse,
            decoder=_decode,
            **options,
        )
        assert isinstance(subscriber, BatchSubscriber)
        subscriber(self._on_batch)
        self._subscriber = subscriber

    def consumer(self, **options: Any) -> AIOKafkaConsumer:
        """Another consumer with the broker's connection and security; not started."""
        build: Callable[..., AIOKafkaConsumer] = self._subscriber.builder
        return build(enable_auto_commit=False, **options)

    async def _on_batch(self, message: KafkaMessage) -> None:
        """Never raises: FastStream would continue behind the batch."""
        consumer = self._subscriber.consumer
        records = message.raw_message
        assert consumer is not None, "a batch comes from a consumer"
        assert isinstance(records, tuple), "the subscriber takes batches"
        done: Offsets = {}
        rest: Offsets = {}
        failed: set[TopicPartition] = set()
        try:
            if await self._can_store_dead_letters(consumer):
                await self._take(records, done, rest, failed)
            else:
                rest = _firsts(records)
        except Exception:
            log.exception("subscriber.batch_failed group=%s", self.handler.group)
            done, rest, failed = {}, _firsts(records), set()
            await self._rest(LONGEST_PAUSE)
        for partition, offset in rest.items():
            with suppress(IllegalStateError):  # the partition is another member's now
                consumer.seek(partition, offset)
                if partition in failed:
                    self._pause(consumer, partition)
        await self._commit(consumer, done)

    async def _take(self, records: Sequence[RawRecord], done: Offsets, rest: Offsets, failed: set[TopicPartition]) -> None:
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
        """What cannot be committed is fetched again, and recognised."""
        still = {partition: offset for partition, offset in done.items() if partition in consumer.assignment()}
        try:
            if still:
                await consumer.commit(still)
        except (KafkaError, IllegalStateError) as error:
            log.warning("subscriber.commit_failed group=%s error=%s", self.handler.group, type(error).__name__)

    def _report(self, record: RawRecord, error: Exception) -> None:
        self.handler.counts["failed"] += 1
        shown = type(error).__name__ if record.topic in PERSONAL else repr(error)
        where = self.handler.group, record.topic, record.partition, record.offset
        level = logging.ERROR if isinstance(error, GapFound) else logging.WARNING
        log.log(level, "subscriber.effect_failed group=%s topic=%s partition=%d offset=%d error=%s", *where, shown)

    def _pause(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
        """Polls bring the other partitions meanwhile. Raises IllegalStateError when the partition is another member's now."""
        pause = self._pauses.get(partition, FIRST_PAUSE)
        self._pauses[partition] = min(2 * pause, LONGEST_PAUSE)
        consumer.pause(partition)
        asyncio.get_running_loop().call_later(pause * random.uniform(1.0, 1.2), _resume, consumer, partition)

    async def _rest(self, seconds: float) -> None:
        """Returns early when the subscription is stopped."""
        until = time.monotonic() + seconds
        while self._subscriber.running and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, _LOOK_EVERY))

    async def _can_store_dead_letters(self, consumer: AIOKafkaConsumer) -> bool:
        """Looked at before the first record is handled, so that a missing topic shows before a bad record comes."""
        if not self._dead_letters_exist:
            self._dead_letters_exist = self.dead_letters in await consumer.topics()
            if not self._dead_letters_exist:
                create = f"python -m billing_subscriber create-topic {self.dead_letters}"
                log.error("subscriber.dead_letter_topic_missing topic=%s create=%r", self.dead_letters, create)
                await self._rest(LONGEST_PAUSE)
        return self._dead_letters_exist

    async def _send_dead_letter(self, record: RawRecord, reason: str) -> None:
        """Returns once every replica in sync has it: the record's offset is committed after that."""
        value, how = record.value, "whole"
        if record.topic in PERSONAL:
            value, how = None, "withheld"
        elif value is None:
            how = "absent"
        async with asyncio.timeout(_PUBLISH_SECONDS), AIOKafkaProducer(**self._connection(), **_CAREFUL) as producer:
            try:
                await self._publish(producer, record, reason, value, how)
            except MessageSizeTooLargeError:
                await self._publish(producer, record, reason, None, "too large")
        log.error("subscriber.dead_letter topic=%s partition=%d offset=%d", record.topic, record.partition, record.offset)

    async def _publish(self, producer: AIOKafkaProducer, record: RawRecord, reason: str, value: bytes | None, how: str) -> None:
        origin = {
            "reason": reason[:_REASON_LENGTH],
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "group": self.handler.group,
            "value": how,
        }
        original = [] if record.topic in PERSONAL else list(record.headers)
        headers = [*original, *((f"dead_letter_{name}", it.encode(errors="backslashreplace")) for name, it in origin.items())]
        await producer.send_and_wait(self.dead_letters, value or b"", key=record.key, headers=headers)

    def _connection(self) -> dict[str, Any]:
        """The broker's connection and security, for a producer of our own: the broker's may not wait for replicas."""
        builder = self._subscriber.builder
        assert isinstance(builder, functools.partial), "FastStream fills in the connection"
        return {name: value for name, value in builder.keywords.items() if name not in _OF_CONSUMERS}


def subscribe(broker: KafkaBroker, handler: Handler[Any], *, dead_letters: str, **options: Any) -> Subscription:
    """Lets the broker bring the handler its records from its start on. Call it after all effects are registered.

    `dead_letters`: an existing topic for records that can never be handled. `options` go to `broker.subscriber`, for
    example `group_instance_id`. Raises ValueError when the handler is incomplete.
    """
    return Subscription(broker, handler, dead_letters, options)


def _resume(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    with suppress(IllegalStateError):  # the partition is another member's now
        consumer.resume(partition)


def _firsts(records: Sequence[RawRecord]) -> Offsets:
    return {TopicPartition(record.topic, record.partition): record.offset for record in reversed(records)}


async def _parse(records: Records) -> KafkaMessage:
    """Does not look into the records: one header that is not text would hide the whole batch."""
    first, last = records[0], records[-1]
    return KafkaMessage(raw_message=records, body=b"", message_id=f"{first.offset}-{last.offset}", consumer=FAKE_CONSUMER)


async def _decode(message: KafkaMessage) -> object:
    return message.raw_message
