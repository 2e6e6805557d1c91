"""The services' users in Kafka (SCRAM-SHA-512), created through the broker's API. The client library lacks this request."""

import hashlib
import os
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, UnknownError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields

from chassis.kafka_access import KafkaAccess
from portalctl.kafka_failures import explained

_API_KEY = 51
_SCRAM_SHA_512 = 2
_ITERATIONS: Final = 8192
_SALT_BYTES = 32


class _Response(Response):
    API_KEY = _API_KEY
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Struct(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = _API_KEY
    API_VERSION = 0
    RESPONSE_TYPE = _Response
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields))),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterUserScramCredentials(Request[_Struct]):
    API_KEY: ClassVar[int] = _API_KEY

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._users = [_credential(user, password) for user, password in passwords.items()]

    def build(self, request_struct_class: type[_Struct]) -> _Struct:
        return request_struct_class([], self._users, {})


def _credential(user: str, password: str) -> tuple[Any, ...]:
    salt = os.urandom(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return user, _SCRAM_SHA_512, _ITERATIONS, salt, salted, {}


async def create(kafka: KafkaAccess, passwords: Mapping[str, str]) -> None:
    """Create the users, or set their passwords. The caller needs Alter on the cluster. Raises StackError and KafkaError."""
    client = AIOKafkaClient(**kafka.options())
    with explained(kafka):
        await client.bootstrap()
    try:
        answer = await client.send(client.get_random_node(), _AlterUserScramCredentials(passwords))
    finally:
        await client.close()
    for user, code, message, _ in answer.results:
        if code:
            kind: type[KafkaError] = for_code(code)
            raise (kind if kind is not UnknownError else KafkaError)(f"user {user}: {message or code}")
