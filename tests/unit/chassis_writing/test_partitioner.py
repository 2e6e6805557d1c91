"""Every client chooses the same partition for a key; the order within a stream depends on it."""

import aiokafka.partitioner
from hypothesis import given
from hypothesis import strategies as st

from chassis.outbox.partitioner import partition

KEYS = st.binary(max_size=200)


@given(KEYS, st.integers(1, 50))
def test_the_partition_is_that_of_aiokafkas_default_partitioner(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition(key, numbers, []) == aiokafka.partitioner.DefaultPartitioner()(key, numbers, numbers)
