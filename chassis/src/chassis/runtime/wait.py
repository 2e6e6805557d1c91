"""Waiting for a while, and being woken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


async def wait_for_event(event: asyncio.Event, seconds: float) -> None:
    """Returns once the event is set, after so many seconds at the latest.

    Not asyncio.wait_for, which on Python 3.11 can swallow a cancellation that comes together with the event.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


@asynccontextmanager
async def woken_by(cause: asyncio.Event, event: asyncio.Event) -> AsyncIterator[None]:
    """For the block, `event` is set once `cause` is."""

    async def pass_on() -> None:
        await cause.wait()
        event.set()

    passing = asyncio.create_task(pass_on())
    try:
        yield
    finally:
        passing.cancel()
