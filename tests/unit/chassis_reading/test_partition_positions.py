"""Confirmation of gaps in a log."""

from types import SimpleNamespace
from typing import Any, cast

from aiokafka import TopicPartition

from chassis.consumers.positions import PartitionPositions
from chassis.kafka_access import KafkaAccess

P = TopicPartition("lamps", 0)


def tracker() -> tuple[PartitionPositions, Any, list[int]]:
    sought: list[int] = []
    consumer = SimpleNamespace(assignment=lambda: {P}, seek=lambda _, offset: sought.append(offset))
    return PartitionPositions("group", ("lamps",), cast(Any, None), KafkaAccess("nowhere:1")), consumer, sought


def test_a_gap_is_confirmed_when_the_same_record_comes_first_after_a_seek() -> None:
    positions, consumer, sought = tracker()
    assert not positions.is_contiguous(consumer, P, 15, 20, positions.seeks)
    assert sought == [15]
    assert positions.is_contiguous(consumer, P, 15, 20, positions.seeks)


def test_a_retried_batch_does_not_confirm_its_own_gap() -> None:
    positions, consumer, sought = tracker()
    seeks = positions.seeks
    assert [positions.is_contiguous(consumer, P, 15, 20, seeks) for _ in range(3)] == [False] * 3
    assert sought == [15]


def test_records_fetched_before_the_seek_neither_confirm_nor_hide_a_gap() -> None:
    positions, consumer, sought = tracker()
    seeks = positions.seeks
    assert not positions.is_contiguous(consumer, P, 15, 20, seeks)
    assert not positions.is_contiguous(consumer, P, 15, 1020, seeks)
    assert sought == [15]
    assert positions.is_contiguous(consumer, P, 15, 20, positions.seeks)


def test_contiguous_records_need_no_seek() -> None:
    positions, consumer, sought = tracker()
    assert positions.is_contiguous(consumer, P, 15, 15, positions.seeks)
    assert not sought
