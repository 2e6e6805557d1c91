"""The subscriber that the contracts' README prints is run as printed, in an environment with exactly what it installs."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from billing_contracts.records import RawRecord, Record
from billing_contracts.subscriptions import SubscriptionCancellationScheduled, SubscriptionCancelled
from billing_subscriber.handler import Handler
from support.billing_records import message, record, tombstone
from support.consumer_events import producer, publish
from support.databases import ServiceDatabase
from support.subscriber_environment import SubscriberEnvironment, printed, printed_commands, running

TOPIC = "billing.subscriptions"
DEAD_LETTERS = "crm.churn.dlq"


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """The database is away: another process holds its lock."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def rows(database: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        return connection.execute("SELECT customer, day, feedback FROM leavers").fetchall()


async def dead_letter(kafka: str, key: bytes | None) -> tuple[bytes | None, dict[str, str]]:
    """The first with this key."""
    consumer = AIOKafkaConsumer(DEAD_LETTERS, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            while (record := await consumer.getone()).key != key:
                continue
    finally:
        await consumer.stop()
    return record.value, {name: value.decode() for name, value in record.headers}


async def test_the_printed_subscriber_loses_nothing(newcomer: SubscriberEnvironment, kafka: str, tmp_path: Path) -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka}
    (tmp_path / "subscriber.py").write_text(printed("python")[0])
    for words in printed_commands():
        program = newcomer.run(*words, cwd=tmp_path, env=environment)
        assert program.returncode == 0, program.stderr

    customer = uuid4()
    subject = f"subscription-{uuid4()}"
    scheduled = record(message(SubscriptionCancellationScheduled, customerid=customer, subject=subject, sequence=1))
    unknown = record(
        message(SubscriptionCancelled, type="billing.subscriptions.SubscriptionMoved.v1", subject=subject, sequence=2)
    )
    bad = replace(scheduled, value=b'{"not": "an event"}')
    ended = record(message(SubscriptionCancelled, customerid=customer, subject=subject, sequence=3))
    database = tmp_path / "churn.db"

    async with producer(kafka) as to:
        command = (newcomer.faststream, "run", "subscriber:app")
        async with running(*command, cwd=tmp_path, env=newcomer.environment(**environment)) as it:
            await publish(to, TOPIC, [scheduled, scheduled])
            await it.until(lambda: it.printed(f"{customer} will leave on") == 1)
            with locked(database):
                await publish(to, TOPIC, [unknown, bad, ended])
                await it.until(lambda: sum("database is locked" in line for line in it.errors) >= 3)
            await it.until(lambda: it.printed(f"{customer} left on 2023-06-14: unused") == 1)
            assert await it.stop() == 0

        # What comes while it is stopped is handled when it runs again, and nothing else.
        later = record(message(SubscriptionCancelled, customerid=customer, subject=subject, sequence=4))
        nothing = tombstone(uuid4(), uuid4(), topic=TOPIC)
        await publish(to, TOPIC, [ended, nothing, later])
        async with running(*command, cwd=tmp_path, env=newcomer.environment(**environment)) as it:
            await it.until(lambda: it.printed(f"{customer} left on") == 1)
            await it.stop()

    leavers = [row for row in rows(database) if row[0] == str(customer)]
    assert leavers == [(str(customer), "2023-06-14", "unused")] * 3
    value, headers = await dead_letter(kafka, bad.key)
    assert value == bad.value
    assert headers["ce_id"].encode() == dict(scheduled.headers)["ce_id"]
    assert (headers["dead_letter_topic"], headers["dead_letter_group"]) == (TOPIC, "crm.churn")
    assert headers["dead_letter_reason"].startswith("id: missing")
    assert int(headers["dead_letter_offset"]) >= 0
    value, headers = await dead_letter(kafka, nothing.key)
    assert (value, headers["dead_letter_value"]) == (b"", "absent")


async def take(handler: Handler[Any], *records: Record) -> None:
    async def send(raw: RawRecord, reason: str) -> None:
        raise AssertionError(reason)

    for run in handler.runs(records):
        await handler.take(run, send)


async def test_the_printed_erasure_and_rebuild_delete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:1")
    subscriber, _, erasure, rebuild = printed("python")
    together: dict[str, Any] = {}
    exec(subscriber.replace("\nbroker = ", f"\n{erasure}\n{rebuild}\nbroker = "), together)
    churn: Handler[sqlite3.Connection] = together["churn"]
    merchant, erased, remaining = uuid4(), uuid4(), uuid4()
    ended = [record(message(SubscriptionCancelled, merchantid=merchant, customerid=id)) for id in (erased, remaining)]
    await take(churn, *ended, tombstone(merchant, erased))
    assert [row[0] for row in rows(tmp_path / "churn.db")] == [str(remaining)]
    await churn.rebuild()
    assert rows(tmp_path / "churn.db") == []
    await churn.store.close()


async def test_the_printed_variant_for_postgresql_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: ServiceDatabase
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:1")
    monkeypatch.setenv("DATABASE_URL", database.owner_url)
    together: dict[str, Any] = {}
    for block in printed("python")[:2]:
        exec(block, together)
    churn: Handler[asyncpg.Connection] = together["churn"]
    customer = uuid4()
    await take(churn, record(message(SubscriptionCancelled, customerid=customer)))
    async with churn.store.unit("crm.churn") as unit:
        assert [tuple(row) for row in await unit.tx.fetch("SELECT * FROM leavers")] == [(str(customer), "2023-06-14", "unused")]
    await churn.store.close()
