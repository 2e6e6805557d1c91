"""Topics on a real broker."""

import asyncio
import uuid
from dataclasses import replace

import pytest

from billing_contracts.registry import TOPICS, Topic
from chassis.kafka_access import KafkaAccess
from portalctl import topics


def renamed(topic: Topic) -> Topic:
    return Topic(f"{topic.name}.{uuid.uuid4().hex[:8]}", topic.partitions, topic.config)


@pytest.fixture
def kafka(kafka_bootstrap: str) -> KafkaAccess:
    return KafkaAccess(kafka_bootstrap)


@pytest.fixture
def expected_topics() -> dict[str, Topic]:
    """The contracts' topics under names of this test's own."""
    return {topic.name: topic for topic in map(renamed, TOPICS.values())}


async def test_missing_topics_are_created_by_the_contracts(kafka: KafkaAccess, expected_topics: dict[str, Topic]) -> None:
    assert {one.what for one in await topics.diff(kafka, expected_topics)} == {"topic"}
    changes = await topics.apply(kafka, expected_topics)
    assert [one.topic for one in changes] == list(expected_topics)
    assert await topics.diff(kafka, expected_topics) == []


async def test_applying_again_changes_nothing(kafka: KafkaAccess, expected_topics: dict[str, Topic]) -> None:
    await topics.apply(kafka, expected_topics)
    assert await topics.apply(kafka, expected_topics) == []


async def test_a_setting_that_differs_is_shown_and_corrected_and_the_others_stay(kafka: KafkaAccess) -> None:
    before = renamed(Topic("t", 1, {"retention.ms": "1000", "max.message.bytes": "2000"}))
    await topics.apply(kafka, {before.name: before})
    with_retention = {before.name: Topic(before.name, 1, {"retention.ms": "-1"})}
    assert await topics.diff(kafka, with_retention) == [topics.Difference(before.name, "retention.ms", "-1", "1000")]
    await topics.apply(kafka, with_retention)
    both = {before.name: Topic(before.name, 1, {"retention.ms": "-1", "max.message.bytes": "2000"})}
    async with asyncio.timeout(15):
        # What the controller has taken, the broker learns a moment later.
        while await topics.diff(kafka, both):
            await asyncio.sleep(0.1)


async def test_every_setting_of_the_contracts_is_compared(kafka: KafkaAccess, expected_topics: dict[str, Topic]) -> None:
    others = {
        "cleanup.policy": {"delete": "compact", "compact": "delete"},
        "retention.ms": {"-1": "1000"},
        "retention.bytes": {"-1": "1000"},
        "compression.type": {"producer": "zstd"},
        "message.timestamp.type": {"CreateTime": "LogAppendTime"},
        "unclean.leader.election.enable": {"false": "true"},
    }
    different = {
        name: replace(topic, config={key: others.get(key, {}).get(value, "10000") for key, value in topic.config.items()})
        for name, topic in expected_topics.items()
    }
    await topics.apply(kafka, different)
    expected = {(name, key) for name, topic in expected_topics.items() for key in topic.config}
    assert {(one.topic, one.what) for one in await topics.diff(kafka, expected_topics)} == expected
    await topics.apply(kafka, expected_topics)
    async with asyncio.timeout(15):
        while await topics.diff(kafka, expected_topics):
            await asyncio.sleep(0.1)


async def test_a_broker_may_accept_larger_records_than_the_contracts_require(kafka: KafkaAccess) -> None:
    before = renamed(Topic("t", 1, {"max.message.bytes": "2000"}))
    await topics.apply(kafka, {before.name: before})
    assert await topics.diff(kafka, {before.name: Topic(before.name, 1, {"max.message.bytes": "1000"})}) == []
    larger = {before.name: Topic(before.name, 1, {"max.message.bytes": "3000"})}
    assert [one.what for one in await topics.diff(kafka, larger)] == ["max.message.bytes"]


async def test_too_few_replicas_are_shown_and_never_changed(kafka: KafkaAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    before = renamed(Topic("t", 1))
    await topics.apply(kafka, {before.name: before})
    monkeypatch.setenv("REPLICATION", "2")
    expected = [topics.Difference(before.name, "replicas", "2", "1")]
    assert await topics.diff(kafka, {before.name: before}) == expected
    assert await topics.apply(kafka, {before.name: before}) == []


async def test_another_partition_count_is_shown_and_never_changed(kafka: KafkaAccess) -> None:
    before = renamed(Topic("t", 2))
    await topics.apply(kafka, {before.name: before})
    three_partitions = {before.name: Topic(before.name, 3)}
    expected = [topics.Difference(before.name, "partitions", "3", "2")]
    assert await topics.diff(kafka, three_partitions) == expected
    assert await topics.apply(kafka, three_partitions) == []
    assert await topics.diff(kafka, three_partitions) == expected
