"""Who leaves, in plain aiokafka: what the kit does, written out for one effect and one SQLite file.

pip install ./contracts aiokafka
export KAFKA_BOOTSTRAP_SERVERS=localhost:9092
python -m billing_subscriber create-topic crm.leavers.dlq
python subscriber.py
"""

import asyncio
import logging
import os
import signal
import sqlite3

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from billing_contracts.envelope import Envelope
from billing_contracts.registry import data_of
from billing_contracts.subscriptions import SubscriptionCancelled

log = logging.getLogger("leavers")
GROUP, TOPIC, DEAD_LETTERS = "crm.leavers", "billing.subscriptions", "crm.leavers.dlq"
PAUSE = 1.0
"""Seconds between attempts, well below max_poll_interval_ms: each attempt is a poll, so the member stays in the group."""
TABLES = """
CREATE TABLE IF NOT EXISTS leavers (customer TEXT, day TEXT, feedback TEXT);
CREATE TABLE IF NOT EXISTS handled (event_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS positions (aggregate TEXT PRIMARY KEY, sequence INTEGER);
"""


def handle(database: sqlite3.Connection, value: bytes | None) -> None:
    """Effect, dedupe row and position in one transaction. Raises ValueError for a record that can never be handled."""
    event = Envelope.model_validate_json(value or b"")
    data = data_of(event) if event.type == SubscriptionCancelled.TYPE else None
    aggregate = f"{event.merchantid}/{event.subject}"
    with database:  # commits, or rolls back when anything raises
        database.execute("BEGIN IMMEDIATE")
        row = database.execute("SELECT sequence FROM positions WHERE aggregate = ?", (aggregate,)).fetchone()
        before = row[0] if row else 0
        if event.sequence > before + 1:
            log.warning("gap aggregate=%s after=%d before=%d", aggregate, before, event.sequence)
        position = aggregate, max(before, event.sequence)
        database.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", position)
        if isinstance(data, SubscriptionCancelled):  # all other types count in the sequence and have no effect
            claimed = database.execute("INSERT INTO handled VALUES (?) ON CONFLICT DO NOTHING", (str(event.id),))
            if claimed.rowcount:
                left = str(event.customerid), f"{data.effective_at:%Y-%m-%d}", data.feedback
                database.execute("INSERT INTO leavers VALUES (?, ?, ?)", left)


async def send_dead_letter(producer: AIOKafkaProducer, record: ConsumerRecord[bytes, bytes], reason: str) -> None:
    origin = {"reason": reason, "topic": record.topic, "partition": record.partition, "offset": record.offset}
    headers = [*record.headers, *((f"dead_letter_{name}", str(each).encode()) for name, each in origin.items())]
    await producer.send_and_wait(DEAD_LETTERS, record.value or b"", key=record.key, headers=headers)


async def consume(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, stop: asyncio.Event) -> None:
    database = sqlite3.connect("leavers.db", timeout=0.2, isolation_level=None)
    while not stop.is_set():
        for partition, records in (await consumer.getmany(timeout_ms=500, max_records=100)).items():
            done = records[0].offset
            try:
                database.executescript(TABLES)
                for record in records:
                    try:
                        handle(database, record.value)
                    except (ValueError, OverflowError) as error:
                        await send_dead_letter(producer, record, type(error).__name__)
                    done = record.offset + 1
            except Exception as error:  # any other fault is temporary or can be corrected: no record is left out
                log.warning("failed partition=%d offset=%d error=%r", partition.partition, done, error)
                await asyncio.sleep(PAUSE)
            await continue_from(consumer, partition, done, fetch=done <= records[-1].offset)
    database.close()


async def continue_from(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int, fetch: bool) -> None:
    """Commits what is done and fetches the rest again. When the partition is another member's now, that one does both."""
    try:
        if fetch:
            consumer.seek(partition, offset)
        await consumer.commit({partition: offset})
    except (KafkaError, IllegalStateError) as error:
        log.warning("not committed partition=%d error=%s", partition.partition, type(error).__name__)


async def main() -> None:
    servers, stop = os.environ["KAFKA_BOOTSTRAP_SERVERS"], asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    options = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    async with (
        AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True) as producer,
        AIOKafkaConsumer(TOPIC, bootstrap_servers=servers, group_id=GROUP, **options) as consumer,
    ):
        await consume(consumer, producer, stop)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main())
