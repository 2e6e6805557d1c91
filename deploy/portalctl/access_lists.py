"""Access lists of Kafka: each service may write its own topics, and read those that it consumes.

They follow from the contracts' topics and the consumers of the services. Kafka's own tools, Strimzi's KafkaUser and the request
to the broker are three forms of the same list; `portalctl topics acls` prints the list and sends the request.
"""

from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from typing import Any, Literal

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DescribeAclsRequest

from billing_contracts import customers, watermarks
from billing_contracts.registry import EVENTS
from chassis.kafka_access import KafkaAccess
from portalctl.kafka_failures import explained
from portalctl.local.services import SERVICES
from verify.consumers import SERVICE_CONSUMERS

Resource = Literal["topic", "group"]
Pattern = Literal["literal", "prefixed"]
Operation = Literal["Read", "Write", "Create", "Describe", "DescribeConfigs", "AlterConfigs"]

OPERATOR = "portalctl"
_OWNER_OF_CUSTOMERS = "subscriptions"
_FOLLOWS_WATERMARKS = "portal-gateway"
_OF_OPERATOR: tuple[Operation, ...] = ("Create", "Describe", "DescribeConfigs", "AlterConfigs", "Read")

# Numbers of the protocol.
_RESOURCES: dict[Resource, int] = {"topic": 2, "group": 3}
_PATTERNS: dict[Pattern, int] = {"literal": 3, "prefixed": 4}
_OPERATIONS: dict[Operation, int] = {
    "Read": 3,
    "Write": 4,
    "Create": 5,
    "Describe": 8,
    "DescribeConfigs": 10,
    "AlterConfigs": 11,
}
_ANY, _ALLOW, _EVERY_HOST = 1, 3, "*"


@dataclass(frozen=True, order=True)
class Access:
    """One entry: the user may do the operation on the resource from every host."""

    user: str
    operation: Operation
    resource: Resource
    name: str
    pattern: Pattern = "literal"

    def __str__(self) -> str:
        return "\t".join(astuple(self))


def required() -> list[Access]:
    """All entries. Write includes the right to an idempotent producer, and Read and Write include Describe."""
    return sorted({*_of_publishers(), *_of_consumers(), *_of_operator()})


def _of_publishers() -> Iterator[Access]:
    for service in SERVICES:
        topics = {event.topic() for event in EVENTS.values() if event.topic() == f"billing.{service.name}"}
        if service.name == _OWNER_OF_CUSTOMERS:
            topics.add(customers.CustomerProfile.topic())
        if topics:
            topics.add(watermarks.TOPIC)
        yield from (Access(service.name, "Write", "topic", topic) for topic in topics)


def _of_consumers() -> Iterator[Access]:
    names = {service.package: service.name for service in SERVICES}
    for each in SERVICE_CONSUMERS:
        user = names[each.database]
        yield Access(user, "Read", "group", f"{user}.", "prefixed")
        yield from (Access(user, "Read", "topic", topic) for topic in each.consumer.topics)
    yield Access(_FOLLOWS_WATERMARKS, "Read", "topic", watermarks.TOPIC)


def _of_operator() -> Iterator[Access]:
    yield from (Access(OPERATOR, operation, "topic", "billing.", "prefixed") for operation in _OF_OPERATOR)


async def missing(kafka: KafkaAccess) -> list[Access]:
    """The entries that the cluster lacks. Raises StackError if Kafka cannot be reached, and KafkaError."""
    async with _client(kafka) as client:
        existing = await _existing(client)
    return [access for access in required() if access not in existing]


async def create(kafka: KafkaAccess, entries: Sequence[Access]) -> None:
    """Create the entries. The user needs Alter on the cluster. Raises StackError and KafkaError."""
    async with _client(kafka) as client:
        for access in entries:
            request = CreateAclsRequest(
                _RESOURCES[access.resource],
                access.name,
                _PATTERNS[access.pattern],
                f"User:{access.user}",
                _EVERY_HOST,
                _OPERATIONS[access.operation],
                _ALLOW,
            )
            answer = await client.send(client.get_random_node(), request)
            for code, message in answer.creation_responses:
                _check(code, message)


async def _existing(client: AIOKafkaClient) -> set[Access]:
    every: Any = None  # the library's types lack it
    answer = await client.send(client.get_random_node(), DescribeAclsRequest(_ANY, every, _ANY, every, every, _ANY, _ANY))
    _check(answer.error_code, answer.error_message)
    resources = {number: name for name, number in _RESOURCES.items()}
    patterns = {number: name for name, number in _PATTERNS.items()}
    operations = {number: name for name, number in _OPERATIONS.items()}
    return {
        Access(principal.removeprefix("User:"), operations[operation], resources[kind], name, patterns[pattern])
        for kind, name, pattern, entries in answer.resources
        for principal, host, operation, permission in entries
        if (permission, host) == (_ALLOW, _EVERY_HOST) and kind in resources and pattern in patterns and operation in operations
    }


@asynccontextmanager
async def _client(kafka: KafkaAccess) -> Any:
    client = AIOKafkaClient(**kafka.options())
    with explained(kafka):
        await client.bootstrap()
    try:
        yield client
    finally:
        await client.close()


def _check(code: int, message: str | None) -> None:
    if code:
        kind: type[KafkaError] = for_code(code)
        raise kind(message or "")
