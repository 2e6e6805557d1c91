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
    places, consumer, sought = begun()
    assert not places.follows(consumer, P, 15, 20, places.seeks)
    assert sought == [15]
    assert places.follows(consumer, P, 15, 20, places.seeks)


def test_a_batch_that_is_tried_again_is_no_witness_for_itself() -> None:
    places, consumer, sought = begun()
    came = places.seeks
    assert [places.follows(consumer, P, 15, 20, came) for _ in range(3)] == [False] * 3
    assert sought == [15]


def test_what_was_on_its_way_already_neither_proves_a_hole_nor_hides_it() -> None:
    places, consumer, sought = begun()
    came = places.seeks
    assert not places.follows(consumer, P, 15, 20, came)
    assert not places.follows(consumer, P, 15, 1020, came)
    assert sought == [15]
    assert places.follows(consumer, P, 15, 20, places.seeks)


def test_what_follows_needs_no_proof() -> None:
    places, consumer, sought = begun()
    assert places.follows(consumer, P, 15, 15, places.seeks)
    assert not sought
