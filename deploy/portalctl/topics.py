"""Create, correct and compare the contracts' topics on a broker. Counts of partitions and replicas never change."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from billing_contracts.registry import TOPICS, Topic
from chassis.kafka_access import KafkaAccess
from chassis.service.settings import read_settings
from portalctl.kafka_failures import explained
from portalctl.settings import Settings

_NEVER_CHANGED = frozenset({"partitions", "replicas"})
"""Differences that are shown only."""
_AT_LEAST = frozenset({"max.message.bytes", "min.insync.replicas"})
"""Settings for which a higher value is fine too."""
_SET_ON_TOPIC = 1
_UNKNOWN_TOPIC = 3


@dataclass(frozen=True)
class Difference:
    """`what` is "topic", "partitions", "replicas" or a setting's name; `existing` is None if it does not exist."""

    topic: str
    what: str
    required: str
    existing: str | None


@dataclass(frozen=True)
class _ExistingTopic:
    partitions: int
    replicas: int
    """Of the partition with the fewest."""
    settings: Mapping[str, str]
    """All effective settings."""
    overrides: Mapping[str, str]
    """Settings of the topic itself."""


def replication_factor() -> int:
    """For new topics: REPLICATION, or 1."""
    return read_settings(Settings).replication


async def diff(kafka: KafkaAccess, topics: Mapping[str, Topic] = TOPICS) -> list[Difference]:
    """Differences between the contracts and the broker. Raises StackError if Kafka cannot be reached, and KafkaError."""
    async with _admin(kafka) as admin:
        existing = await _find(admin, topics)
        return [one for topic in topics.values() for one in _differences(topic, existing.get(topic.name))]


async def apply(kafka: KafkaAccess, topics: Mapping[str, Topic] = TOPICS) -> list[Difference]:
    """Create missing topics and correct settings; other settings of a topic stay. Returns the corrected differences, without
    counts of partitions and replicas. Raises StackError if Kafka cannot be reached, and KafkaError."""
    done: list[Difference] = []
    async with _admin(kafka) as admin:
        existing_topics = await _find(admin, topics)
        await _create(admin, [topic for topic in topics.values() if topic.name not in existing_topics])
        for topic in topics.values():
            existing = existing_topics.get(topic.name)
            wrong = [one for one in _differences(topic, existing) if one.what not in _NEVER_CHANGED]
            if wrong and existing:
                await _correct(admin, topic, existing)
            done += wrong
        while len(existing_topics) < len(topics):
            await asyncio.sleep(0.1)
            existing_topics = await _find(admin, topics)
    return done


def _required_settings(topic: Topic) -> dict[str, str]:
    replicas = replication_factor()
    # With acks=all, an acknowledged record then has more than one copy.
    return topic.config | ({"min.insync.replicas": str(replicas - 1)} if replicas > 2 else {})


def _differences(topic: Topic, existing: _ExistingTopic | None) -> list[Difference]:
    if existing is None:
        return [Difference(topic.name, "topic", f"{topic.partitions} partitions", None)]
    wrong = [
        Difference(topic.name, name, value, existing.settings.get(name))
        for name, value in _required_settings(topic).items()
        if not _fits(name, existing.settings.get(name), value)
    ]
    if existing.partitions != topic.partitions:
        wrong.append(Difference(topic.name, "partitions", str(topic.partitions), str(existing.partitions)))
    if existing.replicas < replication_factor():
        wrong.append(Difference(topic.name, "replicas", str(replication_factor()), str(existing.replicas)))
    return wrong


def _fits(name: str, existing: str | None, required: str) -> bool:
    if name in _AT_LEAST and existing is not None and existing.isdigit():
        return int(existing) >= int(required)
    return existing == required


@asynccontextmanager
async def _admin(kafka: KafkaAccess) -> AsyncIterator[AIOKafkaAdminClient]:
    # Longer than the caller's deadline, because the caller's error names the step.
    milliseconds = int(2000 * read_settings(Settings).portal_deadline_seconds)
    admin = AIOKafkaAdminClient(**kafka.options(), request_timeout_ms=milliseconds)
    with explained(kafka):
        await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _find(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, _ExistingTopic]:
    """The existing topics, by name."""
    described = {}
    for metadata in await admin.describe_topics(list(names)):
        if metadata["error_code"] != _UNKNOWN_TOPIC:
            _check(metadata["error_code"], metadata["topic"])
            described[metadata["topic"]] = metadata["partitions"]
    topics = {}
    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in described]):
        for resource in answer.to_object()["resources"]:
            name = resource["resource_name"]
            if resource["error_code"] == _UNKNOWN_TOPIC:
                continue  # another broker answers, which does not know the new topic yet
            _check(resource["error_code"], name, resource["error_message"])
            topics[name] = _to_existing(described[name], resource["config_entries"])
    return topics


def _to_existing(partitions: list[dict[str, Any]], entries: list[dict[str, Any]]) -> _ExistingTopic:
    return _ExistingTopic(
        partitions=len(partitions),
        replicas=min((len(each["replicas"]) for each in partitions), default=0),
        settings={entry["config_names"]: entry["config_value"] for entry in entries},
        overrides={entry["config_names"]: entry["config_value"] for entry in entries if entry["config_source"] == _SET_ON_TOPIC},
    )


async def _create(admin: AIOKafkaAdminClient, topics: Collection[Topic]) -> None:
    new = [NewTopic(one.name, one.partitions, replication_factor(), topic_configs=_required_settings(one)) for one in topics]
    if not new:
        return
    answer = await admin.create_topics(new)
    for error in answer.to_object()["topic_errors"]:
        if for_code(error["error_code"]) is not TopicAlreadyExistsError:
            _check(error["error_code"], error["topic"], error["error_message"])


async def _correct(admin: AIOKafkaAdminClient, topic: Topic, existing: _ExistingTopic) -> None:
    # The request replaces every override of the topic.
    settings = {**existing.overrides, **_required_settings(topic)}
    for answer in await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, settings)]):
        for resource in answer.to_object()["resources"]:
            _check(resource["error_code"], topic.name, resource["error_message"])


def _check(code: int, name: str, message: str | None = None) -> None:
    if code:
        kind: type[KafkaError] = for_code(code)
        raise kind(f"{name}: {message or ''}")
