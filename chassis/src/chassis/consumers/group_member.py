"""One replica's membership in a consumer group: FastStream fetches batches, PostgreSQL stores the offsets."""

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

from chassis.consumers.batch_processor import BatchProcessor, Stopped
from chassis.consumers.consumer import Changed, Consumer
from chassis.consumers.fetcher import TolerantConsumer
from chassis.consumers.metrics import FETCH_FAILURES, RECREATED, STANDSTILL
from chassis.consumers.offsets import Fenced
from chassis.consumers.operator_actions import OperatorActions
from chassis.consumers.positions import OffsetCommit, PartitionPositions, by_partition
from chassis.consumers.progress import STANDSTILL_SECONDS
from chassis.decoding import Decoded
from chassis.kafka_access import KafkaAccess
from chassis.outbox.commit_signals import CommitSignals
from chassis.runtime.background import repeat, report
from chassis.runtime.faults import Backoff
from chassis.runtime.outages import outages

log = structlog.get_logger()

MAX_RECORDS = 1000
TOPIC_CHECK_SECONDS = 10.0
"""Between two checks whether a topic was recreated."""
BATCHED_FETCH_BYTES = 64 * 1024
BATCHED_FETCH_WAIT_MS = 25
"""Consumers that feed no live page let the broker batch: it waits for 64 KiB or 25 ms, whichever comes first. Ten batches of one
event cost ten times as much as one batch of ten events.
"""
LIVE_FETCH_WAIT_MS = 50
"""How long the broker may hold an empty response. Only one fetch is in flight at a time. A fetch sent during a batch names only
the partitions without buffered records; new records of the other partitions wait until it is answered.
"""
_DECODE_RECORDS_MAX = 200
"""Records decoded before the event loop runs other tasks, such as the batch being processed: 1 to 3 ms. One switch costs the
processor time of three records.
"""
PROGRESS_CHECK_SECONDS = 5.0
"""Between two checks whether fetches complete."""
RECREATE_PAUSE_SECONDS_MAX = 600.0
"""Between two recreations of a consumer that makes no progress."""
_ASSIGNMENT_SEEK_SECONDS = 5.0
_LAST_BATCH_SECONDS = 10.0
"""For the current batch when the member stops."""
_LEAVE_SECONDS = 20.0
"""For the client to leave its group and close."""
_METADATA_MS = 5_000
"""Between two metadata requests, which find topics that did not exist before."""

Records = tuple[ConsumerRecord[bytes | None, bytes | None], ...]


class ConsumerGroupMember(ConsumerRebalanceListener):
    def __init__(
        self,
        consumer: Consumer,
        pool: asyncpg.Pool,
        kafka: KafkaAccess,
        instance: str,
        client_id: str,
        stop: asyncio.Event,
        commits: CommitSignals | None = None,
    ) -> None:
        self._definition, self._pool, self._kafka, self._stop = consumer, pool, kafka, stop
        self._instance, self._client_id = instance, client_id
        self._processor = BatchProcessor(consumer, pool, stop, commits)
        self._positions = PartitionPositions(consumer.group, consumer.topics, pool, kafka)
        self._operator_actions = OperatorActions(consumer.group, pool, self._processor, self._notify)
        self._subscriber: BatchSubscriber | None = None
        self._batch: asyncio.Task[None] | None = None
        """The batch being processed. One at a time; the next one is decoded meanwhile."""
        self._recreate = asyncio.Event()
        """Set when the consumer must be recreated."""
        self._recreate_at, self._recreate_pause = 0.0, STANDSTILL_SECONDS
        self.progress = self._processor.progress
        for counter in (FETCH_FAILURES, RECREATED):
            counter.labels(consumer.group)  # exported as 0 from the start
        STANDSTILL.labels(consumer.group).set_function(self.progress.standstill_seconds)

    async def run(self) -> None:
        """Consume until the process stops."""
        group = f"consumer {self._definition.group}"
        async with asyncio.TaskGroup() as tasks:
            for name, step, dependency in (
                ("", self._consume, "kafka"),
                (" operator actions", self._operator_actions.run_next, "postgres"),
                (" topics", self._check_topics, "kafka"),
                (" progress", self._check_progress, "kafka"),
            ):
                repeated = repeat(
                    group + name, step, self._stop, dependency=dependency, proves=dependency == "postgres", backoff=Backoff(0.5)
                )
                tasks.create_task(repeated)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """The current batch may continue: if another member commits first, it is fenced and rolled back."""
        self._positions.forget(revoked)
        self._positions.remove_lag(revoked)
        self.progress.revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._positions.forget(assigned)
        try:
            async with asyncio.timeout(_ASSIGNMENT_SEEK_SECONDS):
                if consumer := self._consumer:
                    await self._positions.seek_to_stored(consumer, assigned)
        except Exception as error:
            report(f"consumer {self._definition.group}", error, "kafka")
        self.progress.joined = True

    @property
    def _consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer if self._subscriber else None

    async def _consume(self) -> None:
        """Run one Kafka consumer until the process stops or the consumer must be recreated."""
        self._recreate.clear()
        self.progress.started()
        broker = self._broker()
        try:
            await broker.connect()
            broker.config.broker_config.builder = partial(self._create_consumer, broker.config.broker_config.builder)
            await broker.start()
            outages.worked("kafka")
            ends = [asyncio.create_task(event.wait()) for event in (self._stop, self._recreate)]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for waiting in ends:
                waiting.cancel()
        finally:
            if self._batch:
                await asyncio.wait([self._batch], timeout=_LAST_BATCH_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_SECONDS):
                    await broker.stop()

    def _create_consumer(self, library: Callable[..., AIOKafkaConsumer], **options: Any) -> AIOKafkaConsumer:
        """The consumer that FastStream would create, with our handling of failed fetches."""
        assert isinstance(library, partial)
        arguments = self._definition.group, self._kafka, self._positions, self.progress, self._stop
        return TolerantConsumer(*arguments, **{**library.keywords, **options, **self._kafka.options()})

    def _broker(self) -> KafkaBroker:
        broker = KafkaBroker(
            self._kafka.servers.split(","),
            client_id=self._client_id,
            consumer_only=True,
            apply_types=False,  # FastStream would inspect each message in another thread
            allow_auto_create_topics=False,
            metadata_max_age_ms=_METADATA_MS,
            graceful_timeout=10,
            logger=None,
        )
        live = self._definition.after_commit is not None
        subscriber = broker.subscriber(
            *self._definition.topics,
            group_id=self._definition.group,
            group_instance_id=f"{self._definition.group}.{self._instance}",
            auto_offset_reset="earliest",
            batch=True,
            max_records=MAX_RECORDS,
            batch_timeout_ms=10,
            fetch_max_wait_ms=LIVE_FETCH_WAIT_MS if live else BATCHED_FETCH_WAIT_MS,
            fetch_min_bytes=1 if live else BATCHED_FETCH_BYTES,
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
        """Decode a batch while the previous one is being processed, then start to process it. Never raises."""
        decoded: list[Decoded] = []
        seeks = self._positions.seeks
        for start in range(0, len(records), _DECODE_RECORDS_MAX):
            await asyncio.sleep(0)
            decoded += self._processor.decode(records[start : start + _DECODE_RECORDS_MAX])
        if self._batch:
            await self._batch
        if not self._stop.is_set() and not self._recreate.is_set():
            self.progress.processing(True)
            self._batch = asyncio.create_task(self._process_until_done(records, decoded, seeks))
            self._batch.add_done_callback(lambda _: self.progress.processing(False))

    async def _process_until_done(self, records: Records, decoded: Sequence[Decoded], seeks: int) -> None:
        """Retry until the batch is processed. Never raises: the next batch must not overtake this one."""
        backoff = Backoff()
        while not self._stop.is_set() and (consumer := self._consumer):
            try:
                await self._process(consumer, records, decoded, seeks)
                outages.worked("postgres")
                return
            except Stopped:
                return
            except Exception as error:
                self._positions.forget(by_partition(records))
                report(f"consumer {self._definition.group}", error, "postgres")
                await backoff.wait(self._stop)

    async def _process(self, consumer: AIOKafkaConsumer, records: Records, decoded: Sequence[Decoded], seeks: int) -> None:
        """Process the records after the stored offsets. Seek in partitions with an uncertain position."""
        partitions = by_partition(records)
        stored = await self._positions.stored(partitions.keys())
        uncertain = [partition for partition in partitions if partition not in stored]
        starts: dict[TopicPartition, int] = {}
        for partition, position in stored.items():
            fetched = partitions[partition]
            if fetched[-1].offset < position.next:
                uncertain.append(partition)
            elif self._positions.is_contiguous(consumer, partition, position.next, fetched[0].offset, seeks):
                starts[partition] = position.next
        selected = partitions
        if any(fetched[0].offset < starts.get(partition, inf) for partition, fetched in partitions.items()):
            mask = [record.offset >= starts.get(TopicPartition(record.topic, record.partition), inf) for record in records]
            records, decoded = tuple(compress(records, mask)), list(compress(decoded, mask))
            selected = by_partition(records)
        if records:
            commit_offsets = OffsetCommit(self._definition.group, records, selected, stored)
            try:
                changed = await self._processor.handle(records, commit_offsets, decoded)
                self._positions.update(commit_offsets.ends)
                self._notify(changed)
            except Fenced:
                log.info("consumer.fenced", group=self._definition.group)
                self._positions.forget(partitions)
                uncertain = list(partitions)
        if uncertain:
            await self._positions.seek_to_stored(consumer, uncertain)
        self._positions.update_lag(consumer, await self._positions.stored(partitions.keys()))

    async def _check_topics(self) -> float:
        """Restart recreated topics, seek where an assignment did not, update the lag; return the seconds until the next check."""
        if consumer := self._consumer:
            await self._positions.seek_recreated_topics(consumer)
            assigned = consumer.assignment()
            stored = await self._positions.stored(assigned)
            if unknown := assigned - stored.keys():
                # No batch arrives from an idle partition, so nothing else would store its offset.
                await self._positions.seek_to_stored(consumer, unknown)
                stored = await self._positions.stored(assigned)
            self._positions.update_lag(consumer, stored)
        return TOPIC_CHECK_SECONDS

    async def _check_progress(self) -> float:
        """Recreate a consumer that does not fetch although records exist; return the seconds until the next check."""
        consumer = self._consumer
        if not isinstance(consumer, TolerantConsumer):
            return PROGRESS_CHECK_SECONDS
        try:
            await consumer.report_positions()
        except Exception:
            self.progress.kafka_unavailable()
            raise
        now = asyncio.get_running_loop().time()
        if (standstill := self.progress.standstill) is None:
            self._recreate_pause = STANDSTILL_SECONDS
        elif now >= self._recreate_at:
            RECREATED.labels(self._definition.group).inc()
            log.error("consumer.stalled", group=self._definition.group, error=standstill)
            self._recreate_at = now + self._recreate_pause
            self._recreate_pause = min(2 * self._recreate_pause, RECREATE_PAUSE_SECONDS_MAX)
            self.progress.recreated(standstill)
            self._recreate.set()
        return PROGRESS_CHECK_SECONDS

    def _notify(self, changed: Changed) -> None:
        if self._definition.after_commit and changed:
            self._definition.after_commit(changed)


async def _parse(records: Records) -> KafkaMessage:
    """Leave headers undecoded: one that is not UTF-8 would fail the whole batch."""
    first, last = records[0], records[-1]
    return KafkaMessage(raw_message=records, body=b"", message_id=f"{first.offset}-{last.offset}", consumer=FAKE_CONSUMER)


async def _decode(message: KafkaMessage) -> object:
    return message.raw_message
