"""A worker loop: claims due work and does it concurrently, until it is stopped."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from chassis.runtime.background import repeat, survives
from chassis.runtime.wait import wait_for_event
from chassis.scope import scoped

T = TypeVar("T")

CLAIM_INTERVAL_SECONDS = 0.02
"""Between two claims that `wake` causes."""


def worker(
    name: str,
    claim: Callable[[int, float], Awaitable[list[T]]],
    do: Callable[[T], Awaitable[None]],
    lease: float,
    wake: asyncio.Event | None = None,
) -> tuple[str, Callable[[asyncio.Event], Awaitable[None]]]:
    """The name of a worker, and its loop, which ends with the event."""
    return name, partial(run_worker, name, claim, do, lease=lease, wake=wake)


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
    """Claim work until `stop`, and do at most `at_once` pieces concurrently. Claimed pieces are finished before it returns.

    `idle` is the pause without work, in seconds; `wake` ends it. A piece that fails is reported; it is claimed again when its
    lease of `lease` seconds has ended.
    """
    running: set[asyncio.Task[None]] = set()
    wake = wake or asyncio.Event()

    async def step() -> float | None:
        wake.clear()
        pieces = await claim(at_once - len(running), lease) if len(running) < at_once else []
        for each in pieces:
            piece = asyncio.create_task(run(each))
            running.add(piece)
            piece.add_done_callback(ended)
        if pieces:
            return None
        await wait_for_event(stop, CLAIM_INTERVAL_SECONDS)
        return idle

    def ended(piece: asyncio.Task[None]) -> None:
        running.discard(piece)
        if len(running) == at_once - 1:
            wake.set()

    async def run(each: T) -> None:
        with scoped():
            await survives(task, do(each))

    await repeat(task, step, stop, wake=wake)
    await asyncio.gather(*running)
