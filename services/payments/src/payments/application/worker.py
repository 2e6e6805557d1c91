"""A worker: claims what is to be done, does it, and goes on until told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chassis.runtime.background import repeat, survives
from chassis.runtime.wait import wait_for_event
from chassis.scope import scoped

T = TypeVar("T")

GATHER = 0.02
"""Seconds between two looks that `wake` causes."""


async def run_worker(
    task: str,
    claim: Callable[[int, float], Awaitable[list[T]]],
    do: Callable[[T], Awaitable[None]],
    stop: asyncio.Event,
    *,
    lease: float,
    wake: asyncio.Event | None = None,
    idle: float = 1.0,
    at_once: int = 16,
) -> None:
    """Claims at most `at_once` pieces of work and does them side by side: one that takes long keeps no other waiting.

    `idle` is the time between two looks when there is nothing to do, in seconds; `wake` ends it. A piece that fails is
    reported and left: it is claimed again when its lease, in seconds too, has ended. Once told to stop, finishes what is in
    hand.
    """
    running: set[asyncio.Task[None]] = set()
    wake = wake or asyncio.Event()

    async def turn() -> float | None:
        wake.clear()
        found = await claim(at_once - len(running), lease) if len(running) < at_once else []
        for each in found:
            piece = asyncio.create_task(done(each))
            running.add(piece)
            piece.add_done_callback(ended)
        if found:
            return None
        await wait_for_event(stop, GATHER)
        return idle

    def ended(piece: asyncio.Task[None]) -> None:
        running.discard(piece)
        if len(running) == at_once - 1:
            wake.set()

    async def done(each: T) -> None:
        with scoped():
            await survives(task, do(each))

    await repeat(task, turn, stop, wake=wake)
    await asyncio.gather(*running)
