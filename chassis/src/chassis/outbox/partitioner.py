"""The partition of a key, as Kafka's own clients choose it."""

from collections.abc import Sequence
from struct import unpack_from
from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_32_BITS: Final = 0xFFFFFFFF


def partition(key: bytes, all_partitions: Sequence[int], _available: Sequence[int]) -> int:
    """The same partition as aiokafka's partitioner, which hashes byte by byte and took more than half of the relay's CPU time."""
    return all_partitions[(murmur2(key) & 0x7FFFFFFF) % len(all_partitions)]


def murmur2(data: bytes) -> int:
    """The 32-bit MurmurHash2 of the data."""
    length = len(data)
    h = _SEED ^ length
    for k in unpack_from(f"<{length // 4}I", data):
        k = k * _M & _32_BITS
        h = h * _M & _32_BITS ^ (k ^ k >> 24) * _M & _32_BITS
    if rest := data[length & ~3 :]:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _32_BITS
    h = (h ^ h >> 13) * _M & _32_BITS
    return h ^ h >> 15
