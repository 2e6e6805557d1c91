"""Coalesces concurrent calls into shared round trips: an idle connection sends at once, later calls queue for the next one.

There is no timer. The more concurrent callers, the larger the batches.
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
from chassis.postgres.pool import is_expired, unusable_after
from chassis.runtime.faults import Backoff, DatabaseSilent, is_transient, may_have_happened
from chassis.runtime.outages import outages

log = structlog.get_logger()

T = TypeVar("T")
R = TypeVar("R")

Send = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]
"""Process a batch of requests in one round trip. Returns a result or an exception for each, in their order."""

BATCH_MAX = 256
"""Requests per round trip."""
QUEUE_MAX = 4096
"""Queued requests; further ones are refused with StoreBusy."""
ANSWER_SECONDS = 5.0
"""A server that does not answer for so long counts as lost, for all requests of the batch."""


def exit_process() -> None:
    """Exit at once, so that the supervisor restarts the process: a sender that serves all callers has crashed."""
    os._exit(70)


class RequestCoalescer(Generic[T, R]):
    """Each of `senders` takes up to `batch_max` requests at a time; at most `queue_max` requests are queued.

    Up to `batch_min` queued requests go to one sender, even if others are idle, because each round trip has a fixed cost.
    """

    def __init__(
        self,
        senders: Sequence[Send[T, R]],
        *,
        batch_max: int = BATCH_MAX,
        queue_max: int = QUEUE_MAX,
        batch_min: int = 1,
        on_crash: Callable[[], None] = exit_process,
    ) -> None:
        self._idle, self._on_crash = list(senders), on_crash
        self._batch_min, self._batch_max, self._queue_max = batch_min, batch_max, queue_max
        self._queue: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._busy: set[asyncio.Task[None]] = set()
        self._closed = False

    async def submit(self, request: T) -> R:
        """Wait for the request's result, or raise its exception. A cancelled caller does not affect the others of its batch.

        Raises StoreBusy when the queue is full or closed.
        """
        if self._closed or len(self._queue) >= self._queue_max:
            raise StoreBusy("closed" if self._closed else "the queue is full")
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append((request, result))
        if len(self._queue) == 1:
            asyncio.get_running_loop().call_soon(self._dispatch)
        return await result

    async def close(self) -> None:
        """Refuse further requests, and wait until the queued ones have their results."""
        self._closed = True
        self._dispatch()
        while self._busy:
            await asyncio.gather(*self._busy, return_exceptions=True)

    def _dispatch(self) -> None:
        """Divide the queue among the idle senders, so that one prepares its batch while another one waits for the server."""
        while self._queue and self._idle:
            size = min(max(ceil(len(self._queue) / len(self._idle)), self._batch_min), self._batch_max)
            batch = [self._queue.popleft() for _ in range(min(size, len(self._queue)))]
            task = asyncio.create_task(self._serve(self._idle.pop(), batch))
            self._busy.add(task)
            task.add_done_callback(self._on_done)

    async def _serve(self, send: Send[T, R], batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        batch = [(request, future) for request, future in batch if not future.done()]
        results = await send([request for request, _ in batch])
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._idle.append(send)
        self._dispatch()

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._busy.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.critical("store.sender_failed", exc_info=error)
            self._on_crash()


async def try_fetch(pool: asyncpg.Pool, sql: str, *args: Any) -> list[asyncpg.Record] | Exception:
    """The rows of one query for a whole batch, or the exception for each of its callers."""
    query = asyncio.create_task(pool.fetch(sql, *args))
    # Not asyncio.timeout: on an unresponsive connection even the cancellation may hang, so it is not awaited.
    if not (await asyncio.wait([query], timeout=ANSWER_SECONDS))[0]:
        query.cancel()
        return DatabaseSilent("the database does not answer")
    error = query.exception()
    if error is None:
        return query.result()
    if not isinstance(error, Exception):
        raise error
    return error


class PinnedConnection:
    """One connection of the pool, held until it breaks."""

    RETRY_SECONDS = 10.0
    """How long work is retried before it fails with StoreAway."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._connection: PoolConnectionProxy | None = None

    async def run(self, work: Callable[[PoolConnectionProxy], Awaitable[R]], *, writes: bool = True) -> R:
        """Run `work`, and repeat it after a transient fault; `work` must be safe to repeat.

        Raises StoreAway when the database stays away; its `sent` is true if the work may have been done. `writes`: whether the
        work changes anything.
        """
        deadline = asyncio.get_running_loop().time() + self.RETRY_SECONDS
        backoff = Backoff(first=0.02, longest=1.0)
        result_lost = False
        while True:
            sent = False
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    if self._connection is not None and is_expired(self._connection):
                        await self.close()
                    if self._connection is None:
                        self._connection = await self._pool.acquire()
                    sent = writes
                    result = await work(self._connection)
            except Exception as error:
                broken = self._connection is not None and (unusable_after(error) or _closed(self._connection))
                if broken:
                    await self._drop()
                elif not is_transient(error):
                    raise
                result_lost = result_lost or (sent and may_have_happened(error))
                if asyncio.get_running_loop().time() > deadline:
                    raise StoreAway("the database cannot be reached", sent=result_lost) from error
                outages.failed(error, "postgres", task="store")
            else:
                outages.worked("postgres")
                return result
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
    except asyncpg.InterfaceError:  # the pool has already taken the broken connection back
        return True
