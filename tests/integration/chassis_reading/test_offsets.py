"""The stored offsets of consumer groups."""

import asyncpg
import pytest
from aiokafka import TopicPartition

from chassis.consumers import offsets
from chassis.consumers.offsets import Fenced, Position

GROUP = "tests.offsets"
FIRST, SECOND = TopicPartition("t", 0), TopicPartition("t", 1)
START = Position(0, "cluster", "log")


async def begin(connection: asyncpg.pool.PoolConnectionProxy, end: int = 10) -> None:
    for partition in (FIRST, SECOND):
        await offsets.begin(connection, GROUP, partition, None, START, end)


async def test_offsets_move_together(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await begin(connection)
        await offsets.move(connection, GROUP, {FIRST: (START, 3), SECOND: (START, 4)})
        positions = await offsets.stored(connection, GROUP, [FIRST, SECOND])
    assert {partition: position.next for partition, position in positions.items()} == {FIRST: 3, SECOND: 4}


async def test_a_member_with_an_outdated_position_is_fenced(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await begin(connection)
        await offsets.move(connection, GROUP, {FIRST: (START, 3)})
        with pytest.raises(Fenced):
            async with connection.transaction():
                await offsets.move(connection, GROUP, {FIRST: (START, 5), SECOND: (START, 5)})
        positions = await offsets.stored(connection, GROUP, [FIRST, SECOND])
    assert {partition: position.next for partition, position in positions.items()} == {FIRST: 3, SECOND: 0}


async def test_an_offset_of_another_log_is_not_moved(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await begin(connection)
        with pytest.raises(Fenced):
            await offsets.move(connection, GROUP, {FIRST: (Position(0, "cluster", "another"), 3)})


async def test_the_first_start_of_a_partition_wins(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await begin(connection)
        await offsets.move(connection, GROUP, {FIRST: (START, 3)})
        await begin(connection)
        await offsets.begin(connection, GROUP, FIRST, START, Position(0, "cluster", "another"), 0)
        positions = await offsets.stored(connection, GROUP, [FIRST])
    assert positions == {FIRST: Position(3, "cluster", "log")}


async def test_a_group_has_caught_up_when_it_reaches_the_log_ends_of_its_start(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        assert not await offsets.caught_up(connection, GROUP, ["t"])
        await begin(connection, end=2)
        assert not await offsets.caught_up(connection, GROUP, ["t"])
        await offsets.move(connection, GROUP, {FIRST: (START, 2), SECOND: (START, 5)})
        assert await offsets.caught_up(connection, GROUP, ["t"])
        assert not await offsets.caught_up(connection, GROUP, ["t", "another"])
