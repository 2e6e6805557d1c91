"""Decodes Kafka record sets that the client library rejects.

The library rejects a whole fetch because of one header name that is not UTF-8, which every broker accepts. Here such a name
keeps its bytes as surrogate escapes, like file names in Python. Format: https://kafka.apache.org/documentation/#recordbatch
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition, codec
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NotLeaderForPartitionError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c, decode_varint

from chassis.decoding import Record
from chassis.kafka_access import KafkaAccess

FETCH_BYTES = 1024 * 1024
"""Per partition. The broker returns the first record set completely, even if it is larger."""

_HEADER = struct.Struct(">qiibIhiqqqhii")
_CRC_FROM, _PREFIX = 21, 12
_COMPRESSION, _CONTROL = 0x07, 0x20
_MAGIC = 2

_DECOMPRESS: Mapping[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: codec.gzip_decode,
    2: codec.snappy_decode,
    3: codec.lz4_decode,
    4: codec.zstd_decode,
}


class CorruptRecordSet(Exception):
    """A record set that cannot be decoded. `offset` is its first offset, `after` the one after its last."""

    def __init__(self, offset: int, after: int, why: str) -> None:
        super().__init__(f"offset {offset}: {why}")
        self.offset, self.after, self.why = offset, after, why


@dataclass(frozen=True, slots=True)
class DecodedSet:
    records: list[Record]
    next: int
    """The offset after the last set."""


async def fetch(kafka: KafkaAccess, positions: Mapping[TopicPartition, int]) -> dict[TopicPartition, bytes]:
    """Fetch the raw record sets of each partition from an offset; empty at the end of the log. Raises KafkaError."""
    client = AIOKafkaClient(**kafka.options(), request_timeout_ms=5_000)
    fetched: dict[TopicPartition, bytes] = {}
    try:
        await client.bootstrap()
        await client.set_topics({partition.topic for partition in positions})
        for partition, offset in positions.items():
            leader = client.cluster.leader_for_partition(partition)
            if leader is None or leader == -1:
                raise NotLeaderForPartitionError(str(partition))
            request = [(partition.topic, [(partition.partition, offset, FETCH_BYTES)])]
            response = await client.send(leader, FetchRequest(0, 1, FETCH_BYTES, 0, request))
            [(_, [(_, error_code, _, *rest)])] = response.topics
            if error_code:
                raise for_code(error_code)(str(partition))
            fetched[partition] = rest[-1] or b""
    finally:
        await client.close()
    return fetched


def library_decodes(data: bytes) -> bool:
    """Whether the client library can decode these record sets."""
    try:
        sets = MemoryRecords(data)
        while sets.has_next():
            batch = sets.next_batch()
            if batch is None or not batch.validate_crc():
                return False
            for _ in batch:
                pass
    except Exception:
        return False
    return True


def decode(partition: TopicPartition, data: bytes, start: int) -> DecodedSet:
    """The records from offset `start` up to the first corrupt set. Raises CorruptRecordSet if that is the first set."""
    records: list[Record] = []
    next, at = start, 0
    while len(data) - at >= _HEADER.size:
        base, length = struct.unpack_from(">qi", data, at)
        end = at + _PREFIX + length
        if end > len(data):
            break
        try:
            if end - at < _HEADER.size:
                raise CorruptRecordSet(base, base + 1, f"a set of {length} bytes")
            decoded, next = _set(partition, data[at:end])
        except CorruptRecordSet:
            if not records:
                raise
            break
        records += [record for record in decoded if record.offset >= start]
        at = end
    return DecodedSet(records, max(next, start))


def _set(partition: TopicPartition, data: bytes) -> tuple[list[Record], int]:
    header = _HEADER.unpack_from(data)
    base, _, _, magic, crc, attributes, last_delta, *_, count = header
    after = base + max(last_delta, 0) + 1
    if magic != _MAGIC:
        raise CorruptRecordSet(base, after, f"message format {magic}")
    if crc != calc_crc32c(data[_CRC_FROM:]):
        raise CorruptRecordSet(base, after, "checksum does not match")
    if attributes & _CONTROL:
        return [], after
    try:
        body = _DECOMPRESS[attributes & _COMPRESSION](data[_HEADER.size :])
        return _records(partition, base, body, count), after
    except Exception as error:
        raise CorruptRecordSet(base, after, f"{type(error).__name__}: {error}") from error


def _records(partition: TopicPartition, base: int, body: bytes, count: int) -> list[Record]:
    reader, records = _Reader(body), []
    for _ in range(count):
        end = reader.varint() + reader.at
        reader.skip(1)  # attributes
        reader.varint()  # timestamp
        offset = base + reader.varint()
        key, value = reader.nullable(), reader.nullable()
        headers = [(reader.name(), reader.nullable()) for _ in range(reader.varint())]
        if reader.at != end:
            raise ValueError(f"a record of {end} bytes ends at {reader.at}")
        records.append(Record(*partition, offset, key, value, headers))
    return records


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = bytearray(data)
        self.at = 0

    def varint(self) -> int:
        number, self.at = decode_varint(self._data, self.at)
        return number

    def skip(self, length: int) -> None:
        self.at += length

    def nullable(self) -> bytes | None:
        length = self.varint()
        return None if length < 0 else self._take(length)

    def name(self) -> str:
        return self._take(self.varint()).decode("utf-8", "surrogateescape")

    def _take(self, length: int) -> bytes:
        if length < 0 or self.at + length > len(self._data):
            raise ValueError("a length points past the end")
        taken = bytes(self._data[self.at : self.at + length])
        self.at += length
        return taken
