"""The request coalescer: a single call is sent at once, concurrent calls share batches, and each gets its own result."""

import asyncio
from collections.abc import Sequence
from typing import cast

import asyncpg
import pytest

from chassis.eventsourcing.event_store import StoreAway, StoreBusy
from chassis.postgres.coalescing import PinnedConnection, RequestCoalescer


class Doubler:
    """A sender that returns the double of each number, once `gate` is open."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(numbers))
        await self.gate.wait()
        return [ValueError(number) if number < 0 else 2 * number for number in numbers]


async def test_a_single_request_is_sent_at_once() -> None:
    doubler = Doubler()
    assert await RequestCoalescer([doubler.send], batch_max=10, queue_max=10).submit(4) == 8
    assert doubler.batches == [[4]]


async def test_requests_that_arrive_during_a_round_trip_share_the_next_one() -> None:
    doubler = Doubler()
    coalescer: RequestCoalescer[int, int] = RequestCoalescer([doubler.send], batch_max=3, queue_max=10)
    doubler.gate.clear()
    first = asyncio.create_task(coalescer.submit(0))
    await asyncio.sleep(0.01)
    others = asyncio.gather(*(coalescer.submit(i) for i in range(1, 5)))
    await asyncio.sleep(0)
    doubler.gate.set()
    assert (await first, await others) == (0, [2, 4, 6, 8])
    assert doubler.batches == [[0], [1, 2, 3], [4]]


async def test_simultaneous_requests_are_divided_among_idle_senders() -> None:
    doubler = Doubler()
    coalescer: RequestCoalescer[int, int] = RequestCoalescer([doubler.send] * 2, batch_max=10, queue_max=10)
    doubler.gate.clear()
    callers = asyncio.gather(*map(coalescer.submit, range(5)))
    await asyncio.sleep(0.01)
    assert doubler.batches == [[0, 1, 2], [3, 4]]
    doubler.gate.set()
    assert await callers == [0, 2, 4, 6, 8]


async def test_up_to_batch_min_requests_are_not_divided() -> None:
    doubler = Doubler()
    coalescer: RequestCoalescer[int, int] = RequestCoalescer([doubler.send] * 2, batch_max=10, queue_max=10, batch_min=4)
    assert await asyncio.gather(*map(coalescer.submit, range(5))) == [0, 2, 4, 6, 8]
    assert doubler.batches == [[0, 1, 2, 3], [4]]


async def test_close_serves_queued_requests() -> None:
    doubler = Doubler()
    coalescer: RequestCoalescer[int, int] = RequestCoalescer([doubler.send], batch_max=1, queue_max=10)
    callers = asyncio.gather(*map(coalescer.submit, range(3)))
    await asyncio.sleep(0)
    await coalescer.close()
    assert (doubler.batches, await callers) == ([[0], [1], [2]], [0, 2, 4])


async def test_an_exception_reaches_only_its_request() -> None:
    coalescer: RequestCoalescer[int, int] = RequestCoalescer([Doubler().send], batch_max=3, queue_max=10)
    assert [str(result) for result in await asyncio.gather(*map(coalescer.submit, (1, -1, 2)), return_exceptions=True)] == [
        "2",
        "-1",
        "4",
    ]


async def test_a_request_cancelled_before_dispatch_is_not_sent() -> None:
    doubler = Doubler()
    coalescer: RequestCoalescer[int, int] = RequestCoalescer([doubler.send], batch_max=3, queue_max=10)
    doubler.gate.clear()
    callers = [asyncio.create_task(coalescer.submit(i)) for i in range(2)]
    await asyncio.sleep(0)
    callers[0].cancel()
    doubler.gate.set()
    assert await callers[1] == 2
    assert doubler.batches == [[1]]


async def test_requests_beyond_the_queue_or_after_close_are_refused() -> None:
    doubler = Doubler()
    coalescer: RequestCoalescer[int, int] = RequestCoalescer([doubler.send], batch_max=1, queue_max=1)
    doubler.gate.clear()
    sent = asyncio.create_task(coalescer.submit(1))
    await asyncio.sleep(0.01)
    queued = asyncio.create_task(coalescer.submit(2))
    await asyncio.sleep(0)
    with pytest.raises(StoreBusy):
        await coalescer.submit(3)
    doubler.gate.set()
    await coalescer.close()
    assert (await sent, await queued) == (2, 4)
    with pytest.raises(StoreBusy):
        await coalescer.submit(5)


async def test_a_crashed_sender_ends_the_process() -> None:
    exited = asyncio.Event()

    async def broken(_: Sequence[int]) -> Sequence[int]:
        raise RuntimeError("a fault of ours")

    coalescer: RequestCoalescer[int, int] = RequestCoalescer([broken], batch_max=1, queue_max=1, on_crash=exited.set)
    caller = asyncio.create_task(coalescer.submit(1))
    await asyncio.wait_for(exited.wait(), 1)
    caller.cancel()


class LosingPool:
    """A pool and its one connection, which is lost during every call."""

    def __init__(self) -> None:
        self.calls = 0

    async def acquire(self) -> "LosingPool":
        return self

    async def release(self, _: object) -> None: ...

    def terminate(self) -> None: ...

    def is_closed(self) -> bool:
        return True


async def test_work_lost_on_every_attempt_is_reported_as_possibly_done(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = LosingPool()
    monkeypatch.setattr(PinnedConnection, "RETRY_SECONDS", 0.05)

    async def commit(_: object) -> None:
        pool.calls += 1
        raise ConnectionResetError("before the result arrived")

    with pytest.raises(StoreAway):
        await PinnedConnection(cast(asyncpg.Pool, pool)).run(commit)
    assert pool.calls > 1
