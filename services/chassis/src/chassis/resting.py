"""Doing nothing for a while, and being woken."""

import asyncio
from contextlib import suppress


async def rest(event: asyncio.Event, seconds: float) -> None:
    """Returns once the event is set, after so many seconds at the latest.

    Not asyncio.wait_for, which on Python 3.11 can swallow a cancellation that comes together with the event.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
