"""What shows that a log has nothing between two offsets."""

from types import SimpleNamespace
from typing import Any, cast

from aiokafka import TopicPartition

from chassis.consumers.positions import PartitionPositions

P = TopicPartition("lamps", 0)


def begun() -> tuple[PartitionPositions, Any, list[int]]:
    sought: list[int] = []
    consumer = SimpleNamespace(assignment=lambda: {P}, seek=lambda _, offset: sought.append(offset))
    return PartitionPositions("group", ("lamps",), cast(Any, None), "nowhere"), consumer, sought


def test_a_hole_is_one_when_the_same_record_comes_first_again_from_where_the_partition_was_sought() -> None:
    positions, consumer, sought = begun()
    assert not positions.is_contiguous(consumer, P, 15, 20, positions.seeks)
    assert sought == [15]
    assert positions.is_contiguous(consumer, P, 15, 20, positions.seeks)


def test_a_batch_that_is_tried_again_is_no_witness_for_itself() -> None:
    positions, consumer, sought = begun()
    seeks = positions.seeks
    assert [positions.is_contiguous(consumer, P, 15, 20, seeks) for _ in range(3)] == [False] * 3
    assert sought == [15]


def test_what_was_on_its_way_already_neither_proves_a_hole_nor_hides_it() -> None:
    positions, consumer, sought = begun()
    seeks = positions.seeks
    assert not positions.is_contiguous(consumer, P, 15, 20, seeks)
    assert not positions.is_contiguous(consumer, P, 15, 1020, seeks)
    assert sought == [15]
    assert positions.is_contiguous(consumer, P, 15, 20, positions.seeks)


def test_what_follows_needs_no_proof() -> None:
    positions, consumer, sought = begun()
    assert positions.is_contiguous(consumer, P, 15, 15, positions.seeks)
    assert not sought
