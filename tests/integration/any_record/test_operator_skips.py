"""`portalctl quarantine skip` moves a service past its next record, and past no other."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from billing_contracts.registry import TOPICS
from chassis.consumers import offsets, quarantine, record_sets
from chassis.consumers.offsets import Position
from chassis.decoding import Record, Undecodable
from chassis.kafka_access import KafkaAccess
from portalctl import topics
from portalctl.local.errors import StackError
from portalctl.quarantine import Quarantines
from support.any_records import send_raw
from support.consumer_events import lit, record
from verify.sources import DATABASES, Sources

GROUP, TOPIC = "payments.collection", "billing.subscriptions"
PLACE = TopicPartition(TOPIC, 0)
BAD_NAME = "caf\udce9"


class Operator:
    """An operator, and a service at the end of a partition."""

    def __init__(self, quarantines: Quarantines, pool: asyncpg.Pool, bootstrap: str, stands: int) -> None:
        self.quarantines, self.pool, self.bootstrap, self.stands = quarantines, pool, bootstrap, stands

    async def sends(self, *records: Record) -> None:
        await send_raw(self.bootstrap, TOPIC, 0, records)

    async def skips(self, offset: int, topic: str = TOPIC) -> list[str]:
        return await asyncio.to_thread(lambda: list(self.quarantines.skip(topic, 0, offset)))

    async def lists(self) -> list[list[str]]:
        return await asyncio.to_thread(lambda: [line.split("\t") for line in self.quarantines.lines()])

    async def now_at(self) -> int:
        async with self.pool.acquire() as connection:
            return (await offsets.stored(connection, GROUP, [PLACE]))[PLACE].next


@pytest.fixture(scope="module")
async def topic(kafka_bootstrap: str) -> None:
    await topics.apply(KafkaAccess(kafka_bootstrap), {TOPIC: TOPICS[TOPIC]})


@pytest.fixture
async def operator(urls: dict[str, str], pools: dict[str, asyncpg.Pool], kafka_bootstrap: str, topic: None) -> Operator:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap)
    await consumer.start()
    try:
        end = (await consumer.end_offsets([PLACE]))[PLACE]
    finally:
        await consumer.stop()
    pool = pools["payments"]
    await pool.execute("DELETE FROM quarantine")
    await pool.execute("DELETE FROM offsets")
    async with pool.acquire() as connection:
        await offsets.begin(connection, GROUP, PLACE, None, Position(end, "cluster", "topic"), end)
    return Operator(Quarantines(Sources(urls, KafkaAccess(kafka_bootstrap)), "payments"), pool, kafka_bootstrap, end)


async def test_the_next_record_is_skipped_and_quarantined_as_discarded(operator: Operator) -> None:
    odd = Record("", 0, 0, b"k\xff", b"{", [(BAD_NAME, None)])
    await operator.sends(odd, odd)
    [message] = await operator.skips(operator.stands)
    assert f"{GROUP} continues at {TOPIC}/0@{operator.stands + 1}" in message
    assert await operator.now_at() == operator.stands + 1
    [[id, state, group, place, _, error]] = await operator.lists()
    assert (state, group, place) == ("discard", GROUP, f"{TOPIC}/0@{operator.stands}")
    assert error == "skipped by an operator"
    shown = "\n".join(await asyncio.to_thread(lambda: list(operator.quarantines.details(int(id)))))
    assert r"key b'k\xff'" in shown
    assert r"header 'caf\udce9' None" in shown
    assert "b'{'" in shown


async def test_output_contains_no_terminal_control_characters(operator: Operator) -> None:
    odd = Record(TOPIC, 0, 7, b"\x1b[2J", b"\x1b[2J", [("\x1b[2J", b"\x1b[2J")])
    async with operator.pool.acquire() as connection:
        await quarantine.add(connection, GROUP, [(odd, Undecodable("\x1b[2J\t\u202e"))], frozenset())
    [row] = await operator.lists()
    assert row[5:] == [r"\x1b[2J\t\u202e"]
    shown = await asyncio.to_thread(lambda: list(operator.quarantines.details(int(row[0]))))
    assert all(line.replace("\t", "").isprintable() for line in shown)


@pytest.mark.parametrize("distance", [-1, 1, 1000])
async def test_no_other_record_is_skipped(operator: Operator, distance: int) -> None:
    await operator.sends(record(lit(uuid4(), 1)), record(lit(uuid4(), 1)))
    with pytest.raises(StackError, match=f"stands at offset {operator.stands}"):
        await operator.skips(operator.stands + distance)
    assert await operator.now_at() == operator.stands
    assert await operator.lists() == []


async def test_a_future_record_is_not_skipped(operator: Operator) -> None:
    with pytest.raises(StackError, match=f"no record exists at {TOPIC}/0@{operator.stands} yet"):
        await operator.skips(operator.stands)
    assert await operator.now_at() == operator.stands


async def test_a_corrupt_record_set_is_skipped_completely(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    await operator.sends(*(replace(record(lit(uuid4(), 1)), headers=[(BAD_NAME, b"")]) for _ in range(3)))
    first = operator.stands

    def decode(*_: Any) -> Any:
        raise record_sets.CorruptRecordSet(first, first + 3, "checksum does not match")

    monkeypatch.setattr(record_sets, "decode", decode)
    [message] = await operator.skips(first + 1)
    assert f"@{first + 3};" in message
    assert await operator.now_at() == first + 3
    [[*_, error]] = await operator.lists()
    assert error == f"skipped by an operator: offsets {first} to {first + 2} cannot be decoded (checksum does not match)"


async def test_a_topic_that_the_service_does_not_read_is_named(operator: Operator) -> None:
    with pytest.raises(StackError, match=f"{GROUP} does not read billing.nothing"):
        await operator.skips(0, "billing.nothing")


async def test_an_unavailable_database_is_named(kafka_bootstrap: str) -> None:
    nowhere = dict.fromkeys(DATABASES, "postgresql://nobody@127.0.0.1:1/none")
    away = Quarantines(Sources(nowhere, KafkaAccess(kafka_bootstrap)), "payments")
    with pytest.raises(StackError, match="database of payments cannot be used"):
        await asyncio.to_thread(away.lines)
    with pytest.raises(StackError, match="unknown service nothing; expected"):
        Quarantines(Sources(nowhere, KafkaAccess(kafka_bootstrap)), "nothing")
