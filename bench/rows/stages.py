"""The time of each stage from a command's response to the message in a session's stream, idle and under load."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from statistics import median
from typing import Final

from bench.crowd import cancel_and_withdraw, crowd
from bench.measuring import Figures, Line, Row
from bench.rows.visible import IDLE, PACE_SECONDS, RATE, SECONDS, STREAMS, WATCHED, Busy, Sample, sample_all, under_load, watch
from bench.stack import Stack, portal
from bench.stages import FILE, STEPS, SUPERVISOR, Passage, durations, read_notes

UNDER_LOAD: Final = f"at {RATE}/s"
TOTAL: Final = "answered → arrived"
MIN_SHARE: Final = 0.5
"""Minimum share of samples with all stages recorded; a smaller share would not be representative."""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with portal(SUPERVISOR) as seller, AsyncExitStack() as closing:
        busy = partial(
            under_load,
            seller.stack.urls["subscriptions"],
            cancel_and_withdraw(seller, [customer.subscription for customer in await crowd(seller, STREAMS)]),
        )
        passages: list[Passage] = []
        watched = [await closing.enter_async_context(watch(each, passages.append)) for each in await crowd(seller, WATCHED)]
        yield Row(
            [
                partial(_idle, seller.stack, watched[:1], passages),
                partial(_loaded, seller.stack, watched, passages, busy),
            ],
            [
                Line(f"{load}: {step}, p50", f"{load}: {step}", unit="ms")
                for load in (IDLE, UNDER_LOAD)
                for step in (*STEPS, TOTAL)
            ],
        )


async def _idle(stack: Stack, watched: Sequence[Sample], passages: list[Passage]) -> Figures:
    passages.clear()
    await sample_all(watched)
    return _figures(IDLE, stack, passages)


async def _loaded(stack: Stack, watched: Sequence[Sample], passages: list[Passage], busy: Busy) -> Figures:
    passages.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(busy(RATE - WATCHED / PACE_SECONDS, SECONDS))
        tasks.create_task(sample_all(watched))
    return _figures(UNDER_LOAD, stack, passages)


def _figures(load: str, stack: Stack, passages: Sequence[Passage]) -> Figures:
    """Milliseconds, the median of each step over all samples. The medians do not add up exactly."""
    notes = read_notes(stack.folder / FILE)
    whole = [steps for passage in passages if (steps := durations(passage, notes)) is not None]
    if len(whole) < MIN_SHARE * len(passages):
        raise RuntimeError(f"{len(passages)} events, and all stages of only {len(whole)} were recorded")
    figures = {f"{load}: {step}": 1000 * median(times) for step, times in zip(STEPS, zip(*whole, strict=True), strict=True)}
    return figures | {f"{load}: {TOTAL}": 1000 * median(passage.arrived - passage.answered for passage in passages)}
