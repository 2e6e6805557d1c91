"""Waiting for events with a time limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


async def wait_for_event(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, for at most `seconds`.

    Not asyncio.wait_for, which on Python 3.11 can swallow a cancellation that arrives together with the event.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


@asynccontextmanager
async def woken_by(cause: asyncio.Event, event: asyncio.Event) -> AsyncIterator[None]:
    """Set `event` when `cause` is set, for the duration of the block."""

    async def forward() -> None:
        await cause.wait()
        event.set()

    task = asyncio.create_task(forward())
    try:
        yield
    finally:
        task.cancel()
