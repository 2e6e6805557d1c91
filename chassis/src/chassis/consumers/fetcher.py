"""A Kafka consumer that survives fetches which the client library cannot decode."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import ConsumerStoppedError

from chassis.consumers import record_sets, topic_identity
from chassis.consumers.metrics import FETCH_FAILURES
from chassis.consumers.positions import PartitionPositions
from chassis.consumers.progress import Progress
from chassis.consumers.record_sets import CorruptRecordSet
from chassis.decoding import Record
from chassis.kafka_access import KafkaAccess
from chassis.runtime.faults import Backoff, dependency_of, describe_error
from chassis.runtime.outages import outages

log = structlog.get_logger()

KAFKA_QUERY_SECONDS = 5.0
IDLE_AFTER_SECONDS = 2.0
"""Without records for this long, the broker holds fetches for IDLE_WAIT_MS. A new record ends the wait immediately."""
IDLE_WAIT_MS = 1000
RETRY_SECONDS = 10.0
"""Between attempts at an undecodable record set: a replica may hold it undamaged, an operator may have skipped it."""

Fetched = dict[TopicPartition, "list[ConsumerRecord[bytes | None, bytes | None]]"]


class TolerantConsumer(AIOKafkaConsumer):
    """Decodes record by record what the library cannot decode; pauses a partition with a corrupt record set.

    A failed fetch also drops the library's decoded records of other partitions, so all partitions seek to their stored offsets.
    """

    def __init__(
        self,
        group: str,
        kafka: KafkaAccess,
        positions: PartitionPositions,
        progress: Progress,
        stopping: asyncio.Event,
        /,
        **options: Any,
    ) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._library: AIOKafkaConsumer = self
        self._group, self._kafka, self._positions, self._progress = group, kafka, positions, progress
        self._stopping = stopping
        self._backoff = Backoff(0.1, 5.0)
        self._last_attempt = 0.0
        self._busy_fetch: tuple[int, int] = options["fetch_max_wait_ms"], options["fetch_min_bytes"]
        self._last_records = 0.0

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Fetched:
        """The next records. A failed fetch does not raise: it returns what can be decoded. Raises ConsumerStoppedError.

        Waits for IDLE_WAIT_MS or longer; records end the wait, so a polling caller needs no shorter timeout.
        """
        try:
            blocked = list(self._progress.blocked)
            due = blocked and asyncio.get_running_loop().time() - self._last_attempt >= RETRY_SECONDS
            if due and (rescued := await self._rescue(blocked)):
                return rescued
            fetched: Fetched = await super().getmany(
                *partitions, timeout_ms=max(timeout_ms, IDLE_WAIT_MS), max_records=max_records
            )
            self._adapt_wait(bool(fetched))
        except ConsumerStoppedError:
            raise
        except Exception as error:
            return await self._recover(error)
        if fetched:
            self._progress.fetch_error = None
            self._backoff.reset()
        return fetched

    async def stop(self) -> None:
        """Close the consumer. When the process stops, a static member leaves its group too, and others take over at once; the
        library would leave that to the end of its session."""
        coordinator = self._library._coordinator
        if self._stopping.is_set() and isinstance(coordinator, GroupCoordinator):
            leave: Callable[[], Awaitable[None]] = coordinator._maybe_leave_group

            async def leave_as_dynamic_member() -> None:
                coordinator._group_instance_id = None
                await leave()

            coordinator._maybe_leave_group = leave_as_dynamic_member  # type: ignore[method-assign]
        await super().stop()  # type: ignore[no-untyped-call]

    async def report_positions(self) -> None:
        """Report log ends and fetch positions to the progress. Raises KafkaError and OSError while Kafka is unavailable."""
        async with asyncio.timeout(KAFKA_QUERY_SECONDS):
            if not self._progress.joined:
                await topic_identity.cluster(self._kafka, self._positions.topics)
            assigned = self._library.assignment()
            ends = await self._library.end_offsets(list(assigned)) if assigned else {}
        if ends:
            outages.worked("kafka")
        self._progress.observe(ends, {partition: await self._position(partition) for partition in ends})

    def _adapt_wait(self, fetched: bool) -> None:
        now = asyncio.get_running_loop().time()
        if fetched:
            self._last_records = now
        fetcher = self._library._fetcher
        assert fetcher is not None, "created when the consumer starts"
        idle = now - self._last_records > IDLE_AFTER_SECONDS
        fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = (IDLE_WAIT_MS, 1) if idle else self._busy_fetch

    async def _position(self, partition: TopicPartition) -> int | None:
        try:
            async with asyncio.timeout(0.5):
                position: int = await self._library.position(partition)
                return position
        except Exception:
            return None

    async def _recover(self, error: Exception) -> Fetched:
        """Log a failed fetch and decode its records here; back off if that fails too."""
        FETCH_FAILURES.labels(self._group).inc()
        self._progress.fetch_error = describe_error(error)
        if (suppressed := outages.sparingly("consumer.fetch_failed", self._group)) is not None:
            log.warning("consumer.fetch_failed", group=self._group, error=describe_error(error), suppressed=suppressed)
        try:
            if rescued := await self._rescue(list(self._library.assignment())):
                return rescued
        except Exception as again:
            if dependency_of(again) is not None:
                outages.failed(again, "kafka", task=f"consumer {self._group}")
            self._progress.fetch_error = describe_error(again)
        await self._backoff.wait()
        return {}

    async def _rescue(self, partitions: Sequence[TopicPartition]) -> Fetched:
        """The next records of those partitions that the library cannot decode."""
        self._last_attempt = asyncio.get_running_loop().time()
        partitions = [partition for partition in partitions if partition in self._library.assignment()]
        await self._positions.seek_to_stored(self, partitions)
        stored = {partition: at.next for partition, at in (await self._positions.stored(partitions)).items()}
        rescued: dict[TopicPartition, list[Record]] = {}
        for partition, data in (await record_sets.fetch(self._kafka, stored)).items():
            if record_sets.library_decodes(data):
                self._unblock(partition)
                continue
            try:
                decoded = record_sets.decode(partition, data, stored[partition])
            except CorruptRecordSet as corrupt:
                self._block(partition, corrupt)
                continue
            self._unblock(partition)
            self._library.seek(partition, decoded.next)
            if decoded.records:
                rescued[partition] = decoded.records
        return rescued  # type: ignore[return-value]  # Record has the attributes of the library's records

    def _block(self, partition: TopicPartition, corrupt: CorruptRecordSet) -> None:
        if partition not in self._progress.blocked:
            location: Mapping[str, object] = {"topic": partition.topic, "partition": partition.partition}
            log.error("consumer.undecodable", group=self._group, offset=corrupt.offset, error=corrupt.why, **location)
            self._library.pause(partition)
        self._progress.blocked[partition] = str(corrupt)

    def _unblock(self, partition: TopicPartition) -> None:
        if self._progress.blocked.pop(partition, None) is not None:
            self._library.resume(partition)
