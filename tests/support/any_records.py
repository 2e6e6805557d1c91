"""Arbitrary records: hypothesis strategies, and a producer that sends records that client libraries refuse."""

import json
import struct
from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c, encode_varint
from hypothesis import strategies as st

from chassis.decoding import Record

SAMPLES = sorted((Path(__file__).parents[2] / "contracts" / "samples").glob("*.json"))
"""One message of every event and version."""

BadHeader = tuple[bytes, bytes | None]

_DEEP: Any = 1
for _ in range(90):
    _DEEP = [_DEEP]

_ODD: list[Any] = [
    None,
    "",
    "\0",
    "a\0b",
    "\ud800",
    "\u202e",
    "x" * 100_000,
    0,
    -1,
    2**31,
    2**63,
    10**40,
    1e308,
    float("inf"),
    float("nan"),
    True,
    [],
    {},
    {"\0": "\0"},
    _DEEP,
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF",
    "XXX",
    "America/Nowhere",
]


@cache
def _text(sample: Path) -> str:
    return sample.read_text()


def topic_of(sample: Path) -> str:
    return ".".join(sample.name.split(".")[:2])


@st.composite
def messages(draw: st.DrawFn, topics: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """A topic and one of its messages with up to three unusual field values."""
    sample = draw(st.sampled_from([each for each in SAMPLES if topic_of(each) in topics]))
    message: dict[str, Any] = json.loads(_text(sample))
    for _ in range(draw(st.integers(0, 3))):
        where = message if draw(st.booleans()) else message["data"]
        while isinstance(where, dict) and where and draw(st.booleans()):
            nested = [value for value in where.values() if isinstance(value, dict) and value]
            if not nested:
                break
            where = draw(st.sampled_from(nested))
        if isinstance(where, dict) and where:
            # a copy, because a later round may write into it
            where[draw(st.sampled_from(sorted(where)))] = deepcopy(draw(st.sampled_from(_ODD)))
    if draw(st.booleans()):
        message["id"] = str(draw(st.uuids()))
    return topic_of(sample), message


def headers() -> st.SearchStrategy[list[BadHeader]]:
    names = st.sampled_from([b"", b"\0", b"a\0b", b"\xff", b"ce_type", b"traceparent", "ñ".encode()]) | st.binary(max_size=12)
    return st.lists(st.tuples(names, st.none() | st.binary(max_size=40)), max_size=4)


@st.composite
def records(draw: st.DrawFn, topics: Sequence[str], offset: int = 0) -> Record:
    """A record of one of the topics: a message, a damaged message, or arbitrary bytes."""
    topic, message = draw(messages(topics))
    genuine = f"{message.get('merchantid')}/{message.get('subject')}".encode("utf-8", "surrogatepass")
    value = draw(
        st.just(json.dumps(message).encode("utf-8", "surrogatepass")) | st.none() | st.binary(max_size=60) | st.just(b"[" * 5000)
    )
    odd_keys = [b"", b"/", b"\0/\0-\0", b"\xff", genuine + b"\0", genuine.upper(), b"x" * 5000]
    key = draw(st.just(genuine) | st.just(genuine) | st.none() | st.binary(max_size=20) | st.sampled_from(odd_keys))
    return Record(
        topic, 0, offset, key, value, [(name.decode("utf-8", "surrogateescape"), content) for name, content in draw(headers())]
    )


@st.composite
def batches(draw: st.DrawFn, topics: Sequence[str], most: int = 6) -> list[Record]:
    return [draw(records(topics, offset)) for offset in range(draw(st.integers(1, most)))]


async def send_raw(bootstrap: str, topic: str, partition: int, sent: Sequence[Record]) -> None:
    """Send records in one record set, with any bytes in header names. Raises the broker's error."""
    await send_set(bootstrap, topic, partition, record_set(sent))


async def send_set(bootstrap: str, topic: str, partition: int, data: bytes) -> None:
    """Send a record set unchanged. Raises the broker's error."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    try:
        await client.bootstrap()
        await client.set_topics([topic])
        leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        request = ProduceRequest(transactional_id=None, required_acks=-1, timeout=10_000, topics=[(topic, [(partition, data)])])
        answer = await client.send(leader, request)
    finally:
        await client.close()
    [(_, [(_, error_code, *_)])] = answer.topics
    if error_code:
        raise for_code(error_code)(topic)


def record_set(sent: Sequence[Record], *, damage: bool = False) -> bytes:
    """A record set of format 2 without compression; damaged, its checksum does not match."""
    body = b"".join(_record(delta, record) for delta, record in enumerate(sent))
    last = len(sent) - 1
    checked = struct.pack(">hiqqqhii", 0, last, 0, 0, -1, -1, -1, len(sent)) + body
    crc = calc_crc32c(checked) ^ (1 if damage else 0)
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, crc) + checked


def _record(delta: int, record: Record) -> bytes:
    body = bytearray([0])
    for number in (0, delta):
        encode_varint(number, body.append)
    for part in (record.key, record.value):
        _bytes(body, part)
    encode_varint(len(record.headers), body.append)
    for name, value in record.headers:
        _bytes(body, name.encode("utf-8", "surrogateescape"))
        _bytes(body, value)
    framed = bytearray()
    encode_varint(len(body), framed.append)
    return bytes(framed + body)


def _bytes(to: bytearray, part: bytes | None) -> None:
    encode_varint(-1 if part is None else len(part), to.append)
    to += part or b""
