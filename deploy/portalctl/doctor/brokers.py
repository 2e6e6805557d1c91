"""Kafka: reachable with its credentials, the topics as the contracts say, and the consumers at their ends."""

from collections.abc import Mapping

import asyncpg
from aiokafka import TopicPartition

from chassis.kafka_access import KafkaAccess
from portalctl import topics
from portalctl.doctor.findings import CheckResult, failed, ok, spoken, warning
from portalctl.local.errors import StackError
from verify.consumers import SERVICE_CONSUMERS
from verify.topics import ends_of, reading

CONSUMER_LAG_MAX = 1_000
"""Records. A busy system is always a few behind."""


async def check_topics(kafka: KafkaAccess) -> list[CheckResult]:
    """Raises StackError if Kafka cannot be reached."""
    differences = await topics.diff(kafka)
    findings = [ok("kafka", f"{kafka.servers} answer with {kafka.protocol}{f' as {kafka.username}' if kafka.username else ''}")]
    if not differences:
        return [*findings, ok("topics", "all exist with the settings of the contracts")]
    lines = (f"{one.topic}: {one.what} should be {one.required}, is {one.existing or 'missing'}" for one in differences)
    missing = any(one.what == "topic" for one in differences)
    finding = failed if missing else warning
    return [
        *findings,
        finding("topics", "; ".join(lines), "portalctl topics apply; counts of partitions and replicas need an administrator"),
    ]


async def check_consumers(kafka: KafkaAccess, databases: Mapping[str, asyncpg.Connection]) -> list[CheckResult]:
    """Compare the stored offsets with the ends of the topics. Raises StackError if a topic does not exist."""
    async with reading(kafka) as consumer:
        ends = {TopicPartition(*place): end for place, end in (await ends_of(consumer)).items()}
    return [
        await _check_consumer(databases[each.database], each.consumer.group, each.consumer.topics, ends)
        for each in SERVICE_CONSUMERS
        if each.database in databases
    ]


async def _check_consumer(
    connection: asyncpg.Connection, group: str, names: tuple[str, ...], ends: Mapping[TopicPartition, int]
) -> CheckResult:
    check = f"consumer {group}"
    rows = await connection.fetch(
        "SELECT topic, partition, next, now() - moved_at AS idle FROM offsets WHERE consumer_group = $1", group
    )
    if not rows:
        return failed(check, "has never read", "start a worker of the service")
    read = {TopicPartition(row["topic"], row["partition"]): row for row in rows}
    behind = {
        each: end - (read[each]["next"] if each in read else 0)
        for each, end in ends.items()
        if each.topic in names and end > (read[each]["next"] if each in read else 0)
    }
    lag = sum(behind.values())
    if beyond := [each for each, row in read.items() if row["next"] > ends.get(each, row["next"])]:
        places = ", ".join(f"{each.topic}/{each.partition}" for each in beyond)
        return failed(check, f"has read past the end of {places}", "the log was replaced or cut: see docs/outages.md")
    if lag > CONSUMER_LAG_MAX:
        idle = min(read[each]["idle"] for each in behind if each in read) if any(each in read for each in behind) else None
        moved = f", and moved {spoken(idle)} ago" if idle is not None else ""
        return failed(
            check, f"is {lag} records behind{moved}", "check its workers: /health/ready names a record at which it is stuck"
        )
    return ok(check, f"is {lag} records behind")


def unreachable(error: StackError) -> list[CheckResult]:
    advice = "check KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL, the credentials and certificates"
    return [failed("kafka", str(error), advice)]
