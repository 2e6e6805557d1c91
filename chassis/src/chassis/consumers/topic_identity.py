"""The ids of a Kafka cluster and its topics. A topic that is recreated under the same name has another id."""

from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from chassis.kafka_access import KafkaAccess
from chassis.runtime.outages import outages


@dataclass(frozen=True, slots=True)
class Cluster:
    id: str
    topics: dict[str, str]
    """Topic ids by name."""


async def cluster(kafka: KafkaAccess, topics: list[str]) -> Cluster:
    """Query the ids. Raises KafkaError if no broker responds or a topic does not exist."""
    client = AIOKafkaClient(**kafka.options(), request_timeout_ms=5_000)
    try:
        await client.bootstrap()
        response = await client.send(client.get_random_node(), _DescribeTopics(topics))
    finally:
        await client.close()
    outages.worked("kafka")
    topic_ids: dict[str, str] = {}
    for error_code, name, topic_id, *_ in response.topics:
        if error_code:
            raise for_code(error_code)(name)
        topic_ids[name] = str(topic_id)
    if missing := set(topics) - set(topic_ids):
        raise UnknownTopicOrPartitionError(", ".join(sorted(missing)))
    if not response.cluster_id:
        raise KafkaError("the broker returned no cluster id")
    return Cluster(response.cluster_id, topic_ids)


class _Uuid(AbstractType[UUID]):
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


class _MetadataResponse(Response):
    """Version 12 is the first that always returns topic ids. aiokafka supports versions up to 5."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _MetadataRequest(RequestStruct):
    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _DescribeTopics(Request[_MetadataRequest]):
    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_MetadataRequest]) -> _MetadataRequest:
        return request_struct_class([(UUID(int=0), topic, {}) for topic in self._topics], False, False, {})
