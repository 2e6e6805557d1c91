"""One replica's membership in a consumer group: FastStream brings batches, PostgreSQL says where they begin."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import compress
from math import inf
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.kafka.subscriber.usecase import BatchSubscriber

from chassis.consumers.batch_processor import BatchProcessor, Changed, Stopped
from chassis.consumers.consumer import Consumer
from chassis.consumers.fetcher import TolerantConsumer
from chassis.consumers.metrics import RECREATED, STANDSTILL
from chassis.consumers.offsets import Fenced
from chassis.consumers.operator_actions import OperatorActions
from chassis.consumers.positions import OffsetCommit, PartitionPositions, by_partition
from chassis.consumers.progress import STANDSTILL_SECONDS
from chassis.decoding import Decoded
from chassis.outbox.commit_signals import CommitSignals
from chassis.runtime.background import repeat, report
from chassis.runtime.faults import Backoff
from chassis.runtime.outages import outages

log = structlog.get_logger()

MAX_RECORDS = 1000
LOGS_EVERY = 10.0
"""Seconds between looks at whether the topics are still the ones that were read."""
GATHER_BYTES = 64 * 1024
GATHER_MS = 25
"""Where nobody looks on the broker waits for so much, but not longer: ten batches of one event cost ten times one of ten."""
FETCH_WAIT_MS = 50
"""How long the broker may hold an answer for want of records. One fetch is under way at a time, and one that left while a batch
was in hand asks only for partitions without records: however much comes for the others meanwhile waits until it is answered."""
_READ_AT_ONCE = 200
"""Records that are read before what else there is to do gets its turn, such as the batch in hand: 1 to 3 ms. A turn costs the
processor time of three records.
"""
PROGRESS_EVERY = 5.0
"""Seconds between looks at whether fetches complete."""
LONGEST_PAUSE = 600.0
"""Seconds between two times that a consumer which stands still is made again."""
_PLACE_SECONDS = 5.0
_LAST_SECONDS = 10.0
"""What a batch in hand gets when the member is told to stop."""
_LEAVE_SECONDS = 20.0
"""What the client gets to leave its group and close."""
_METADATA_MS = 5_000
"""After which a topic that was not there, or no longer, is looked for again."""

Records = tuple[ConsumerRecord[bytes | None, bytes | None], ...]


class ConsumerGroupMember(ConsumerRebalanceListener):
    def __init__(
        self,
        consumer: Consumer,
        pool: asyncpg.Pool,
        bootstrap: str,
        instance: str,
        client_id: str,
        stop: asyncio.Event,
        commits: CommitSignals | None = None,
    ) -> None:
        self._definition, self._pool, self._bootstrap, self._stop = consumer, pool, bootstrap, stop
        self._instance, self._client_id = instance, client_id
        self._handling = BatchProcessor(consumer, pool, stop, commits)
        self._places = PartitionPositions(consumer.group, consumer.topics, pool, bootstrap)
        self._wishes = OperatorActions(consumer.group, pool, self._handling, self._tell)
        self._subscriber: BatchSubscriber | None = None
        self._in_hand: asyncio.Task[None] | None = None
        """One batch is dealt with at a time; the one behind it is read meanwhile."""
        self._again = asyncio.Event()
        """Set when the consumer has to be made again."""
        self._recreate_at, self._pause = 0.0, STANDSTILL_SECONDS
        self.progress = self._handling.progress
        STANDSTILL.labels(consumer.group).set_function(self.progress.seconds)

    async def run(self) -> None:
        """Until told to stop."""
        group = f"consumer {self._definition.group}"
        async with asyncio.TaskGroup() as tasks:
            for name, turn, dependency in (
                ("", self._consume, "kafka"),
                (" wishes", self._wishes.fulfil, "postgres"),
                (" logs", self._watch_logs, "kafka"),
                (" progress", self._watch_progress, "kafka"),
            ):
                repeated = repeat(
                    group + name, turn, self._stop, dependency=dependency, proves=dependency == "postgres", backoff=Backoff(0.5)
                )
                tasks.create_task(repeated)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """A batch in hand may go on: when another member was quicker, its offsets do not move and it is undone."""
        self._places.forget(revoked)
        self._places.unmeasure(revoked)
        self.progress.revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._places.forget(assigned)
        try:
            async with asyncio.timeout(_PLACE_SECONDS):
                if consumer := self._consumer:
                    await self._places.find(consumer, assigned)
        except Exception as error:
            report(f"consumer {self._definition.group}", error, "kafka")
        self.progress.joined = True

    @property
    def _consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer if self._subscriber else None

    async def _consume(self) -> None:
        """One consumer's time: until told to stop, or until it stands still."""
        self._again.clear()
        self.progress.started()
        broker = self._broker()
        try:
            await broker.connect()
            broker.config.broker_config.builder = partial(self._made, broker.config.broker_config.builder)
            await broker.start()
            outages.worked("kafka")
            ends = [asyncio.create_task(event.wait()) for event in (self._stop, self._again)]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for waiting in ends:
                waiting.cancel()
        finally:
            if self._in_hand:
                await asyncio.wait([self._in_hand], timeout=_LAST_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_SECONDS):
                    await broker.stop()

    def _made(self, library: Callable[..., AIOKafkaConsumer], **options: Any) -> AIOKafkaConsumer:
        """The consumer as FastStream would make it, but for what becomes of a fetch that fails."""
        assert isinstance(library, partial)
        known = self._definition.group, self._bootstrap, self._places, self.progress
        return TolerantConsumer(*known, **{**library.keywords, **options})

    def _broker(self) -> KafkaBroker:
        broker = KafkaBroker(
            self._bootstrap,
            client_id=self._client_id,
            consumer_only=True,
            apply_types=False,  # it would look at each batch's message in another thread
            allow_auto_create_topics=False,
            metadata_max_age_ms=_METADATA_MS,
            graceful_timeout=10,
            logger=None,
        )
        looked_on = self._definition.committed is not None
        subscriber = broker.subscriber(
            *self._definition.topics,
            group_id=self._definition.group,
            group_instance_id=f"{self._definition.group}.{self._instance}",
            auto_offset_reset="earliest",
            batch=True,
            max_records=MAX_RECORDS,
            batch_timeout_ms=10,
            fetch_max_wait_ms=FETCH_WAIT_MS if looked_on else GATHER_MS,
            fetch_min_bytes=1 if looked_on else GATHER_BYTES,
            ack_policy=AckPolicy.MANUAL,
            heartbeat_interval_ms=1000,
            listener=self,
            parser=_parse,
            decoder=_decode,
        )
        assert isinstance(subscriber, BatchSubscriber)
        subscriber(self._on_batch)
        self._subscriber = subscriber
        return broker

    async def _on_batch(self, records: Records) -> None:
        """Reads the batch while the database is at work on the one before, then hands it on. Never raises."""
        readings: list[Decoded] = []
        came = self._places.seeks
        for start in range(0, len(records), _READ_AT_ONCE):
            await asyncio.sleep(0)
            readings += self._handling.read(records[start : start + _READ_AT_ONCE])
        if self._in_hand:
            await self._in_hand
        if not self._stop.is_set() and not self._again.is_set():
            self.progress.took(in_hand=True)
            self._in_hand = asyncio.create_task(self._deal_with(records, readings, came))
            self._in_hand.add_done_callback(lambda _: self.progress.took(in_hand=False))

    async def _deal_with(self, records: Records, readings: Sequence[Decoded], came: int) -> None:
        """Never raises: what comes next would go on behind the batch."""
        backoff = Backoff()
        while not self._stop.is_set() and (consumer := self._consumer):
            try:
                await self._take(consumer, records, readings, came)
                outages.worked("postgres")
                return
            except Stopped:
                return
            except Exception as error:
                self._places.forget(by_partition(records))
                report(f"consumer {self._definition.group}", error, "postgres")
                await backoff.wait(self._stop)

    async def _take(self, consumer: AIOKafkaConsumer, records: Records, readings: Sequence[Decoded], came: int) -> None:
        """Handles what has not been read and follows what has; of partitions where that is in doubt, finds the place."""
        partitions = by_partition(records)
        known = await self._places.known(partitions.keys())
        lost = [partition for partition in partitions if partition not in known]
        begins: dict[TopicPartition, int] = {}
        for partition, position in known.items():
            those = partitions[partition]
            if those[-1].offset < position.next:
                lost.append(partition)
            elif self._places.follows(consumer, partition, position.next, those[0].offset, came):
                begins[partition] = position.next
        taken = partitions
        if any(those[0].offset < begins.get(partition, inf) for partition, those in partitions.items()):
            wanted = [record.offset >= begins.get(TopicPartition(record.topic, record.partition), inf) for record in records]
            records, readings = tuple(compress(records, wanted)), list(compress(readings, wanted))
            taken = by_partition(records)
        if records:
            settling = OffsetCommit(self._definition.group, records, taken, known)
            try:
                changed = await self._handling.handle(records, settling, readings)
                self._places.moved(settling.ends)
                self._tell(changed)
            except Fenced:
                log.info("consumer.fenced", group=self._definition.group)
                self._places.forget(partitions)
                lost = list(partitions)
        if lost:
            await self._places.find(consumer, lost)
        self._places.measure(consumer, await self._places.known(partitions.keys()))

    async def _watch_logs(self) -> float:
        if consumer := self._consumer:
            await self._places.find_again(consumer)
            self._places.measure(consumer, await self._places.known(consumer.assignment()))
        return LOGS_EVERY

    async def _watch_progress(self) -> float:
        """Looks whether fetches complete where records exist; has the consumer made again when they do not."""
        consumer = self._consumer
        if not isinstance(consumer, TolerantConsumer):
            return PROGRESS_EVERY
        try:
            await consumer.look()
        except Exception:
            self.progress.unknown()
            raise
        now = asyncio.get_running_loop().time()
        if (standstill := self.progress.standstill) is None:
            self._pause = STANDSTILL_SECONDS
        elif now >= self._recreate_at:
            RECREATED.labels(self._definition.group).inc()
            log.error("consumer.stands_still", group=self._definition.group, error=standstill)
            self._recreate_at, self._pause = now + self._pause, min(2 * self._pause, LONGEST_PAUSE)
            self.progress.gave_up(standstill)
            self._again.set()
        return PROGRESS_EVERY

    def _tell(self, changed: Changed) -> None:
        if self._definition.committed and changed:
            self._definition.committed(changed)


async def _parse(records: Records) -> KafkaMessage:
    """Looks into nothing: one header that is not text would hide the whole batch."""
    first, last = records[0], records[-1]
    return KafkaMessage(raw_message=records, body=b"", message_id=f"{first.offset}-{last.offset}", consumer=FAKE_CONSUMER)


async def _decode(message: KafkaMessage) -> object:
    return message.raw_message
