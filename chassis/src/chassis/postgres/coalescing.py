"""Concurrent callers share round trips: whoever finds a connection idle goes at once, the rest gather behind it.

No timer: the more callers there are, the more of them travel together.
"""

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from math import ceil
from typing import Any, Generic, TypeVar

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from chassis.eventsourcing.event_store import StoreAway, StoreBusy
from chassis.postgres.pool import useless_after
from chassis.runtime.faults import Backoff, DatabaseSilent, is_transient, may_have_happened
from chassis.runtime.outages import outages

log = structlog.get_logger()

T = TypeVar("T")
R = TypeVar("R")

Send = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]
"""Does what all the callers want in one go: a result or an exception for each, in their order."""


BATCH_MAX = 256
"""Callers per round trip."""
QUEUE_MAX = 4096
"""Callers that may wait before others are turned away."""
ANSWER = 5.0
"""Seconds after which a server that says nothing counts as lost: all who wait for it share the loss."""


def die() -> None:
    """A part that carries every caller has broken: whoever watches the process starts it anew."""
    os._exit(70)


class RequestCoalescer(Generic[T, R]):
    """Each of `senders` carries up to `most` callers at a time; at most `waiting` callers wait for one.

    Up to `least` callers are not shared out among idle senders: a round trip has a cost of its own.
    """

    def __init__(
        self,
        senders: Sequence[Send[T, R]],
        *,
        most: int = BATCH_MAX,
        waiting: int = QUEUE_MAX,
        least: int = 1,
        die: Callable[[], None] = die,
    ) -> None:
        self._idle, self._least, self._most, self._room, self._die = list(senders), least, most, waiting, die
        self._queue: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._busy: set[asyncio.Task[None]] = set()
        self._closed = False

    async def ask(self, wanted: T) -> R:
        """What the caller gets, or the exception meant for it. A caller that gives up takes nobody with it.

        Raises StoreBusy when too many wait already, or none will be served any more.
        """
        if self._closed or len(self._queue) >= self._room:
            raise StoreBusy("closed" if self._closed else "too many are waiting")
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append((wanted, answer))
        if len(self._queue) == 1:
            asyncio.get_running_loop().call_soon(self._depart)
        return await answer

    async def close(self) -> None:
        """Waits until everybody who was waiting has been served; takes nobody else."""
        self._closed = True
        self._depart()
        while self._busy:
            await asyncio.gather(*self._busy, return_exceptions=True)

    def _depart(self) -> None:
        """Those who wait are shared out among the idle senders, so that one prepares while another waits."""
        while self._queue and self._idle:
            share = min(max(ceil(len(self._queue) / len(self._idle)), self._least), self._most)
            callers = [self._queue.popleft() for _ in range(min(share, len(self._queue)))]
            task = asyncio.create_task(self._serve(self._idle.pop(), callers))
            self._busy.add(task)
            task.add_done_callback(self._ended)

    async def _serve(self, send: Send[T, R], callers: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        callers = [(wanted, answer) for wanted, answer in callers if not answer.done()]
        results = await send([wanted for wanted, _ in callers])
        for (_, answer), result in zip(callers, results, strict=True):
            if answer.done():
                continue
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)
        self._idle.append(send)
        self._depart()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._busy.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.critical("store.round_trips_broke", exc_info=error)
            self._die()


async def fetched(pool: asyncpg.Pool, sql: str, *args: Any) -> list[asyncpg.Record] | Exception:
    """The rows that several callers read together, or the exception that each of them gets."""
    reading = asyncio.create_task(pool.fetch(sql, *args))
    # A connection that has fallen silent may not even end when it is told to: nobody waits for that.
    if not (await asyncio.wait([reading], timeout=ANSWER))[0]:
        reading.cancel()
        return DatabaseSilent("the database does not answer")
    error = reading.exception()
    if error is None:
        return reading.result()
    if not isinstance(error, Exception):
        raise error
    return error


class PinnedConnection:
    """One connection of the pool, kept until it breaks."""

    PATIENCE = 10.0
    """Seconds for which work is tried again before the callers are told to come back later."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._connection: PoolConnectionProxy | None = None

    async def run(self, work: Callable[[PoolConnectionProxy], Awaitable[R]], *, writes: bool = True) -> R:
        """Does the work, again when the connection is lost meanwhile: it has to bear being done twice.

        Raises StoreAway when the database stays away; it says whether the work may have been done, and the answer lost.
        """
        deadline = asyncio.get_running_loop().time() + self.PATIENCE
        backoff = Backoff(first=0.02, longest=1.0)
        lost = False
        while True:
            sent = False
            try:
                async with asyncio.timeout(ANSWER):
                    if self._connection is None:
                        self._connection = await self._pool.acquire()
                    sent = writes
                    done = await work(self._connection)
            except Exception as error:
                broken = self._connection is not None and (useless_after(error) or _closed(self._connection))
                if broken:
                    await self._drop()
                elif not is_transient(error):
                    raise
                lost = lost or (sent and may_have_happened(error))
                if asyncio.get_running_loop().time() > deadline:
                    raise StoreAway("the database cannot be reached", sent=lost) from error
                outages.failed(error, "postgres", task="store")
            else:
                outages.worked("postgres")
                return done
            await backoff.wait()

    async def _drop(self) -> None:
        if self._connection is not None:
            with suppress(asyncpg.InterfaceError):
                self._connection.terminate()
            await self.close()

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._pool.release(connection)


def _closed(connection: PoolConnectionProxy) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken it back, as it does with one that broke
        return True
