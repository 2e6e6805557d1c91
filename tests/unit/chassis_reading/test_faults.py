"""Which faults are waited for."""

import asyncio
import time

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError

from chassis.faults import Backoff, passes
from chassis.store import StoreAway, StoreBusy


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        KafkaConnectionError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.AdminShutdownError("bye"),
        asyncpg.CannotConnectNowError("starting"),
        asyncpg.ObjectNotInPrerequisiteStateError("no connections for now"),
        asyncpg.DeadlockDetectedError("each other"),
        asyncpg.LockNotAvailableError("too long"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.ReadOnlySQLTransactionError("replica"),
        asyncpg.UndefinedTableError("not migrated yet"),
        StoreBusy("too many are waiting"),
        StoreAway("the database cannot be reached"),
    ],
)
def test_what_passes_by_itself_is_waited_for(error: Exception) -> None:
    assert passes(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        KeyError(),
        asyncpg.UniqueViolationError("there"),
        asyncpg.NotNullViolationError("not there"),
        asyncpg.DataError("not a number"),
        asyncpg.PostgresSyntaxError("selekt"),
    ],
)
def test_what_the_record_or_the_code_brought_about_is_not(error: Exception) -> None:
    assert not passes(error)


async def test_being_told_to_stop_ends_a_wait() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)
    began = time.monotonic()
    await Backoff(first=60).wait(stop)
    assert time.monotonic() - began < 5
