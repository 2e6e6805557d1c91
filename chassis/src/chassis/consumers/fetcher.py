"""A consumer for which a fetch that fails inside the client library is no silent end of its partitions."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError

from chassis.consumers import record_sets, topic_identity
from chassis.consumers.metrics import FETCH_FAILURES
from chassis.consumers.positions import PartitionPositions
from chassis.consumers.progress import Progress
from chassis.consumers.record_sets import CorruptRecordSet
from chassis.decoding import Record
from chassis.runtime.faults import Backoff, dependency_of, describe_error
from chassis.runtime.outages import outages

log = structlog.get_logger()

ASK_SECONDS = 5.0
IDLE_AFTER = 2.0
"""Seconds without a record after which the broker holds a fetch for longer; the first record ends that at once."""
IDLE_WAIT_MS = 1000
RETRY_SECONDS = 10.0
"""Between tries to decode what could not be decoded: a replica may hold it undamaged, an operator may have skipped it."""

Fetched = dict[TopicPartition, "list[ConsumerRecord[bytes | None, bytes | None]]"]


class TolerantConsumer(AIOKafkaConsumer):
    """Reads what the library cannot decode by itself, record by record; pauses a partition where that is not possible either.

    A fetch that fails drops what the library had decoded of other partitions, too: all are sought to where the database says.
    """

    def __init__(self, group: str, bootstrap: str, places: PartitionPositions, progress: Progress, /, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._library: AIOKafkaConsumer = self
        self._group, self._bootstrap, self._places, self._progress = group, bootstrap, places, progress
        self._backoff = Backoff(0.1, 5.0)
        self._tried = 0.0
        self._busy_fetch: tuple[int, int] = options["fetch_max_wait_ms"], options["fetch_min_bytes"]
        self._fetched_at = 0.0

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Fetched:
        """Never raises for a fetch that failed: returns what could be read all the same. Raises ConsumerStoppedError.

        Waits for IDLE_WAIT_MS at least: a caller that polls in a loop needs no shorter wait, as records end it.
        """
        try:
            blocked = list(self._progress.blocked)
            due = blocked and asyncio.get_running_loop().time() - self._tried >= RETRY_SECONDS
            if due and (rescued := await self._rescue(blocked)):
                return rescued
            fetched: Fetched = await super().getmany(
                *partitions, timeout_ms=max(timeout_ms, IDLE_WAIT_MS), max_records=max_records
            )
            self._adapt_wait(bool(fetched))
        except ConsumerStoppedError:
            raise
        except Exception as error:
            return await self._after(error)
        if fetched:
            self._progress.fetch_error = None
            self._backoff.reset()
        return fetched

    async def look(self) -> None:
        """Tells the progress where logs end and where the client stands. Raises KafkaError and OSError while Kafka is away."""
        async with asyncio.timeout(ASK_SECONDS):
            if not self._progress.joined:
                await topic_identity.cluster(self._bootstrap, self._places.topics)
            assigned = self._library.assignment()
            ends = await self._library.end_offsets(list(assigned)) if assigned else {}
        if ends:
            outages.worked("kafka")
        self._progress.look(ends, {partition: await self._position(partition) for partition in ends})

    def _adapt_wait(self, fetched: bool) -> None:
        now = asyncio.get_running_loop().time()
        if fetched:
            self._fetched_at = now
        fetcher = self._library._fetcher
        assert fetcher is not None, "it is made when the consumer starts"
        idle = now - self._fetched_at > IDLE_AFTER
        fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = (IDLE_WAIT_MS, 1) if idle else self._busy_fetch

    async def _position(self, partition: TopicPartition) -> int | None:
        try:
            async with asyncio.timeout(0.5):
                position: int = await self._library.position(partition)
                return position
        except Exception:
            return None

    async def _after(self, error: Exception) -> Fetched:
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
        """What lies where the group stands in these partitions, of those that the library cannot decode."""
        self._tried = asyncio.get_running_loop().time()
        partitions = [partition for partition in partitions if partition in self._library.assignment()]
        await self._places.find(self, partitions)
        positions = {partition: at.next for partition, at in (await self._places.known(partitions)).items()}
        found: dict[TopicPartition, list[Record]] = {}
        for partition, data in (await record_sets.fetch(self._bootstrap, positions)).items():
            if record_sets.library_decodes(data):
                self._unblock(partition)
                continue
            try:
                decoded = record_sets.decode(partition, data, positions[partition])
            except CorruptRecordSet as undecodable:
                self._block(partition, undecodable)
                continue
            self._unblock(partition)
            self._library.seek(partition, decoded.next)
            if decoded.records:
                found[partition] = decoded.records
        return found  # type: ignore[return-value]  # the same attributes as the library's records

    def _block(self, partition: TopicPartition, undecodable: CorruptRecordSet) -> None:
        if partition not in self._progress.blocked:
            where: Mapping[str, object] = {"topic": partition.topic, "partition": partition.partition}
            log.error("consumer.undecodable", group=self._group, offset=undecodable.offset, error=undecodable.why, **where)
            self._library.pause(partition)
        self._progress.blocked[partition] = str(undecodable)

    def _unblock(self, partition: TopicPartition) -> None:
        if self._progress.blocked.pop(partition, None) is not None:
            self._library.resume(partition)
