"""A key keeps its partition, whoever writes it: order within a stream rests on that."""

import aiokafka.partitioner
from hypothesis import given
from hypothesis import strategies as st

from chassis.outbox.partitioner import partition

KEYS = st.binary(max_size=200)


@given(KEYS, st.integers(1, 50))
def test_a_key_goes_where_other_clients_send_it(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition(key, numbers, []) == aiokafka.partitioner.DefaultPartitioner()(key, numbers, numbers)
