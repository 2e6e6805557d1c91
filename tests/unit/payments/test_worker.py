"""A worker claims signalled work at once."""

import asyncio
from collections.abc import Awaitable, Callable

from payments.application.worker import run_worker

HOUR = 3600.0


class Work:
    def __init__(self) -> None:
        self.waiting: list[int] = []
        self.done: list[int] = []
        self.doing = asyncio.Semaphore(0)

    async def claim(self, most: int, _: float) -> list[int]:
        claimed, self.waiting = self.waiting[:most], self.waiting[most:]
        return claimed

    async def do(self, piece: int) -> None:
        async with self.doing:
            self.done.append(piece)


async def worked(test: Callable[[Work, asyncio.Event], Awaitable[None]], at_once: int = 16) -> None:
    work, wake, stop = Work(), asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(run_worker("tests", work.claim, work.do, stop, lease=1, wake=wake, idle=HOUR, at_once=at_once))
    try:
        async with asyncio.timeout(10):
            await test(work, wake)
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await working


async def done(work: Work, count: int) -> None:
    while len(work.done) < count:
        await asyncio.sleep(0.01)


async def test_signalled_work_is_claimed_at_once() -> None:
    async def test(work: Work, wake: asyncio.Event) -> None:
        for count in (1, 2):
            await asyncio.sleep(0.1)
            work.waiting.append(count)
            wake.set()
            work.doing.release()
            await done(work, count)

    await worked(test)


async def test_a_busy_worker_claims_again_when_a_piece_has_ended() -> None:
    async def test(work: Work, wake: asyncio.Event) -> None:
        work.waiting = list(range(5))
        for _ in range(5):
            await asyncio.sleep(0.05)
            work.doing.release()
        await done(work, 5)

    await worked(test, at_once=2)


async def test_an_idle_worker_ends_when_it_is_stopped() -> None:
    async def test(work: Work, wake: asyncio.Event) -> None:
        await asyncio.sleep(0.1)

    await worked(test)
