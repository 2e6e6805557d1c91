"""A Kafka producer that keeps the order of each key: after the first failure it sends nothing more."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from chassis.eventsourcing.event_store import Message
from chassis.kafka_access import KafkaAccess
from chassis.outbox.cursor import Ends
from chassis.outbox.partitioner import partition


class Publisher:
    """The producer of one leadership. As a context manager it closes normally, and drops unsent messages on an exception."""

    def __init__(self, kafka: KafkaAccess) -> None:
        self._producer = AIOKafkaProducer(
            **kafka.options(),
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=10_000,
            max_batch_size=128 * 1024,
            partitioner=partition,
        )
        self._dropped = False

    async def __aenter__(self) -> "Publisher":
        try:
            await self._producer.start()
        except BaseException:
            await self._producer.stop()
            raise
        return self

    async def __aexit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is None and not self._dropped:
            await self._producer.stop()
        else:
            self.drop()
            await self._producer.client.close()
            await self._end_sender()

    async def send(self, messages: Sequence[Message]) -> Ends:
        """Send the messages, pipelined, and wait for all acknowledgements. Returns the next offset of each partition.

        Raises aiokafka.errors.KafkaError; then the publisher drops unsent messages and cannot be used again.
        """
        sent: list[asyncio.Future[RecordMetadata]] = []
        for message in messages:
            if self._dropped:
                break
            headers = [(name, value.encode()) for name, value in message.headers.items()]
            future = await self._producer.send(message.topic, message.value, message.key, headers=headers)
            future.add_done_callback(self._drop_on_failure)
            sent.append(future)
        ends: Ends = {}
        for record in await asyncio.gather(*sent):
            partitions = ends.setdefault(record.topic, {})
            partitions[str(record.partition)] = max(record.offset + 1, partitions.get(str(record.partition), 0))
        if self._dropped:
            raise KafkaError("the producer was dropped")
        return ends

    def drop(self) -> None:
        """Discard unsent messages. `stop()` would flush them, possibly after another relay's newer messages."""
        if self._dropped:
            return
        self._dropped = True
        # aiokafka has no method for this, so its parts are closed one by one, before its sender task runs again
        producer = self._producer
        producer._closed = True
        producer._message_accumulator._closed = True
        producer._message_accumulator.fail_all(KafkaError("the producer was dropped"))
        producer._message_accumulator._batches.clear()
        if producer._sender.sender_task is not None:
            producer._sender.sender_task.cancel()

    async def _end_sender(self) -> None:
        """Cancel the sender task until it has ended."""
        sender = self._producer._sender.sender_task
        while sender is not None and not sender.done():
            sender.cancel()
            await asyncio.wait([sender], timeout=0.1)

    def _drop_on_failure(self, sent: "asyncio.Future[RecordMetadata]") -> None:
        if sent.cancelled() or sent.exception() is not None:
            self.drop()
