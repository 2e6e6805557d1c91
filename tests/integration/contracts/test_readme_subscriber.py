"""The subscriber that the contracts' README prints is run as printed, against a real Kafka."""

import asyncio
import os
import re
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from billing_contracts.registry import TOPICS, Topic
from portalctl import topics

CONTRACTS = Path(__file__).parents[3] / "contracts"
CANCELLED = "billing.subscriptions.SubscriptionCancelled.v1"


async def test_the_subscriber_hears_once_and_sets_bad_records_aside(kafka_bootstrap: str, tmp_path: Path) -> None:
    printed = re.search(r"```python\n(.*?)```", (CONTRACTS / "README.md").read_text(), re.S)
    assert printed
    (tmp_path / "subscriber.py").write_text(printed[1])
    await topics.apply(kafka_bootstrap, {**TOPICS, "crm.churn.dlq": Topic("crm.churn.dlq", partitions=1)})

    sample = (CONTRACTS / "samples" / f"{CANCELLED}.1.json").read_bytes()
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    headers = [("ce_type", CANCELLED.encode())]
    for value in (sample, b'{"not": "an event"}', sample):
        await producer.send_and_wait("billing.subscriptions", value, key=b"another-shop/subscription-1", headers=headers)
    await producer.stop()

    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "faststream",
        "run",
        "subscriber:app",
        cwd=tmp_path,
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    consumer = AIOKafkaConsumer("crm.churn.dlq", bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            aside = await consumer.getone()
    finally:
        await consumer.stop()
        await asyncio.sleep(1)
        running.terminate()
        told, _ = await running.communicate()
    assert aside.value == b'{"not": "an event"}'
    assert told.decode().count("left on 2023-06-14: unused") == 1
