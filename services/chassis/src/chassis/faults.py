"""Which faults pass by themselves, and how long to wait for them."""

import asyncio
import random

import asyncpg
from aiokafka.errors import KafkaError

from chassis.resting import rest
from chassis.store import StoreAway, StoreBusy

_PASSING_STATES = (
    "08",  # connection
    "25006",  # read only: the server became a replica
    "25P03",  # idle for too long
    "25P04",  # transaction for too long
    "28",  # authorization: being deployed
    "3D000",  # no such database: being deployed
    "40",  # serialization, deadlock
    "42501",  # privilege: being deployed
    "42703",  # column: being deployed
    "42P01",  # table: being deployed
    "53",  # out of memory, disk, connections
    "55000",  # no connections for now
    "55P03",  # lock timeout
    "57",  # cancelled, shut down, starting
    "58",  # the server's own input and output
)


def passes(error: BaseException) -> bool:
    """Whether trying again later can help, the record being what it is."""
    match error:
        case asyncpg.PostgresError():
            return (error.sqlstate or "").startswith(_PASSING_STATES)
        case asyncpg.DataError():
            return False
        case asyncpg.InterfaceError() | OSError() | TimeoutError() | KafkaError() | StoreBusy() | StoreAway():
            return True
        case _:
            return False


class Backoff:
    """Waits that double from `first` to `longest` seconds, with jitter, until something went well."""

    def __init__(self, first: float = 0.05, longest: float = 15.0) -> None:
        self._first, self._longest = first, longest
        self._next = first

    async def wait(self, stop: asyncio.Event | None = None) -> None:
        """Returns early once told to stop."""
        pause, self._next = self._next * random.uniform(0.5, 1.0), min(self._next * 2, self._longest)
        await rest(stop or asyncio.Event(), pause)

    def reset(self) -> None:
        self._next = self._first
