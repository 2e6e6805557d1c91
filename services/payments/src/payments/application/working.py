"""A worker: claims what is to be done, does it, and goes on until told to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chassis.resting import rest

T = TypeVar("T")

log = logging.getLogger(__name__)

FAULT_SECONDS = 1.0


async def work_off(
    claim: Callable[[int, float], Awaitable[list[T]]],
    do: Callable[[T], Awaitable[None]],
    stop: asyncio.Event,
    *,
    lease: float,
    idle: float = 0.1,
    at_once: int = 16,
) -> None:
    """Claims at most `at_once` pieces of work and does them side by side: one that takes long keeps no other waiting.

    `idle` is the time between two looks when there is nothing to do, in seconds. A piece that fails is logged and left:
    it is claimed again when its lease, in seconds too, has ended. Once told to stop, finishes what is in hand.
    """
    running: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        pause = idle
        try:
            found = await claim(at_once - len(running), lease) if len(running) < at_once else []
        except Exception:
            log.exception("nothing can be claimed")
            found, pause = [], FAULT_SECONDS
        for each in found:
            task = asyncio.create_task(_safely(do, each))
            running.add(task)
            task.add_done_callback(running.discard)
        if not found:
            await rest(stop, pause)
    await asyncio.gather(*running)


async def _safely(do: Callable[[T], Awaitable[None]], each: T) -> None:
    try:
        await do(each)
    except Exception:
        log.exception("work is left for later")
