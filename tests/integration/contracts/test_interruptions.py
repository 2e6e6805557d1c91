"""A subscriber's process ends at every point, and its commands: status, replay, rebuild."""

import sqlite3
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from billing_contracts.records import Record
from billing_contracts.registry import TOPICS
from billing_contracts.subscriptions import SubscriptionCancelled, SubscriptionStarted
from billing_contracts.watermarks import TOPIC as WATERMARKS
from billing_contracts.watermarks import Watermark
from support.billing_records import message, record
from support.consumer_events import producer, publish
from support.subscriber_environment import ROOT, Running, SubscriberEnvironment, running
from support.subscribers import dead_letter_topic, group

APPS = ROOT / "tests" / "support" / "subscriber_apps"
TOPIC = "billing.subscriptions"


@dataclass
class App:
    """The subscriber of `interrupted.py` with a database of its own."""

    newcomer: SubscriberEnvironment
    kafka: str
    folder: Path
    group: str
    merchant: UUID

    @property
    def environment(self) -> Mapping[str, str]:
        kafka = {"KAFKA_BOOTSTRAP_SERVERS": self.kafka, "GROUP": self.group, "MERCHANT": str(self.merchant)}
        return {**kafka, "PYTHONPATH": str(APPS)}

    def running(self, **environment: str) -> AbstractAsyncContextManager[Running]:
        env = self.newcomer.environment(**self.environment, **environment)
        return running(self.newcomer.faststream, "run", "interrupted:app", cwd=self.folder, env=env)

    def command(self, *words: str, **environment: str) -> tuple[int, str]:
        done = self.newcomer.run("-m", "billing_subscriber", *words, cwd=self.folder, env={**self.environment, **environment})
        return done.returncode, done.stdout + done.stderr

    def noted(self, kind: str = "cancelled") -> list[int]:
        with closing(sqlite3.connect(self.folder / "interrupted.db", timeout=30)) as connection:
            rows = connection.execute("SELECT sequence FROM noted WHERE kind = ? ORDER BY rowid", (kind,))
            return [row[0] for row in rows]

    def records(self, *sequences: int, subject: str | None = None) -> list[Record]:
        name = subject or f"subscription-{self.merchant}"
        events = [message(SubscriptionCancelled, merchantid=self.merchant, subject=name, sequence=n) for n in sequences]
        return [record(event) for event in events]

    async def send(self, *records: Record) -> None:
        async with producer(self.kafka) as to:
            await publish(to, TOPIC, records)


@pytest.fixture
async def app(newcomer: SubscriberEnvironment, kafka: str, tmp_path: Path) -> App:
    name = group()
    await dead_letter_topic(kafka, name)
    return App(newcomer, kafka, tmp_path, name, uuid4())


async def ends(kafka: str) -> dict[str, dict[int, int]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        partitions = [TopicPartition(TOPIC, number) for number in range(TOPICS[TOPIC].partitions)]
        return {TOPIC: {each.partition: end for each, end in (await consumer.end_offsets(partitions)).items()}}
    finally:
        await consumer.stop()


@pytest.mark.parametrize("where", ["in the effect", "before the commit", "after the commit"])
async def test_a_process_that_is_killed_loses_and_doubles_nothing(app: App, where: str) -> None:
    await app.send(*app.records(1, 2, 3))
    async with app.running(INTERRUPT=where) as it:
        await it.until(lambda: it.printed(f"standing {where}") >= 1)
        await it.stop(SIGKILL)
    async with app.running() as it:
        await it.until(lambda: app.noted() == [1, 2, 3])
        await it.stop()
    assert app.noted() == [1, 2, 3]


async def test_a_stop_waits_for_the_effect_in_hand_and_begins_no_other(app: App) -> None:
    await app.send(*app.records(1, 2, 3))
    async with app.running(INTERRUPT="in the effect", SECONDS="2") as it:
        await it.until(lambda: it.printed("effect 1") == 1)
        assert await it.stop() == 0
    assert app.noted() == [1]
    async with app.running() as it:
        await it.until(lambda: app.noted() == [1, 2, 3])
        await it.stop()


async def test_a_stop_while_the_database_is_away_is_quick_and_loses_nothing(app: App) -> None:
    (app.folder / "interrupted.db").touch()
    await app.send(*app.records(1))
    with closing(sqlite3.connect(app.folder / "interrupted.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with app.running() as it:
            await it.until(lambda: sum("database is locked" in line for line in it.errors) >= 2)
            assert await it.stop() == 0
        other.execute("ROLLBACK")
    async with app.running() as it:
        await it.until(lambda: bool(it.printed("effect 1")))
        await it.stop()
    assert app.noted() == [1]


async def test_a_replay_runs_what_had_no_effect_and_a_rebuild_runs_everything(app: App) -> None:
    subject = f"subscription-{app.merchant}"
    began = record(message(SubscriptionStarted, merchantid=app.merchant, subject=subject, sequence=1))
    await app.send(began, *app.records(2, 3))
    async with app.running() as it:
        await it.until(lambda: it.printed("effect 3") == 1)
        code, output = app.command("replay", "interrupted:subscription")
        assert (code, "stop them first" in output) == (2, True), output
        await it.stop()
    assert app.noted() == [2, 3]

    assert app.command("replay", "interrupted:subscription", STARTED="1")[0] == 0
    async with app.running(STARTED="1") as it:
        await it.until(lambda: app.noted("started") == [1])
        assert app.noted() == [2, 3]
        await it.stop()

    assert app.command("replay", "--rebuild", "interrupted:subscription", STARTED="1")[0] == 0
    assert app.noted() == []
    async with app.running(STARTED="1") as it:
        await it.until(lambda: (app.noted("started"), app.noted()) == ([1], [2, 3]))
        await it.stop()


async def test_the_status_is_that_of_the_watermarks(app: App) -> None:
    await app.send(*app.records(1, 2))
    watermark = Watermark(service="tests-status", instant=datetime(2026, 1, 1, tzinfo=UTC), ends=await ends(app.kafka))
    async with producer(app.kafka) as to:
        for second in (0, 5):
            newer = replace_instant(watermark, second)
            await to.send_and_wait(WATERMARKS, newer.model_dump_json().encode(), key=b"tests-status")
        code, output_before = app.command("status", "interrupted:subscription")
        assert (code, "tests-status: handled until long ago" in output_before) == (1, True), output_before
        async with app.running() as it:
            code, output_after = app.command("status", "--wait", "40", "interrupted:subscription")
            assert (code, app.noted()) == (0, [1, 2]), output_after
            until = "2026-01-01T00:00:05+00:00"
            assert f"tests-status: handled until {until}, published until {until}" in output_after
            await it.stop()


def replace_instant(watermark: Watermark, second: int) -> Watermark:
    return watermark.model_copy(update={"instant": watermark.instant.replace(second=second)})


async def test_a_wrong_name_and_a_wrong_kafka_are_named(app: App) -> None:
    code, output = app.command("replay", "interrupted:app")
    assert (code, output) == (2, "interrupted:app is not a Subscription, as returned by billing_subscriber.kafka.subscribe\n")
    code, output = app.command("create-topic", "x.dlq", "--kafka", "127.0.0.1:1")
    assert (code, "127.0.0.1:1" in output) == (2, True), output
