"""Visibility: from a command's response to the message in a session's stream, compared with a concurrent Kafka round trip."""

import asyncio
import time
from asyncio import Future
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import islice
from typing import Final
from uuid import uuid4

from aiokafka import AIOKafkaConsumer

from bench.crowd import cancel_and_withdraw, crowd
from bench.load import Call, load
from bench.measuring import Figures, Line, Row, Target, percentiles
from bench.rows.append import ENVELOPE
from bench.stack import Customer, Stack, portal, processes
from bench.stages import Passage
from bench.topics import fresh_topic, producer
from bench.usage import Meter

STREAMS: Final = 200
"""Subscriptions of as many customers; their commands are the load."""
WATCHED: Final = 10
"""Additional customers with open sessions; as many concurrent round trips of Kafka."""
PACE_SECONDS: Final = 0.5
"""Interval between commands for a watched customer."""
RATE: Final = 200
"""Events per second, including those of watched customers."""
FASTER: Final = (1_000, 700, 500, 350)
"""The first of these rates that the machine sustains is measured as well."""
SECONDS: Final = 12
IDLE: Final = "idle"
CONNECTIONS: Final = 32

Sample = Callable[[], Awaitable[float]]
"""Takes one sample and returns its seconds."""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with portal() as seller, AsyncExitStack() as closing:
        background = [customer.subscription for customer in await crowd(seller, STREAMS)]
        busy = partial(under_load, seller.stack.urls["subscriptions"], cancel_and_withdraw(seller, background))
        watched = await crowd(seller, WATCHED)
        kafka = await closing.enter_async_context(_kafka_alone(seller.stack.state["kafka"]["bootstrap_servers"]))
        sides = {
            "visible": [await closing.enter_async_context(watch(customer)) for customer in watched],
            "Kafka alone": [kafka] * WATCHED,
        }
        faster = await _held(busy, sides["visible"])
        rates = [rate for rate in (RATE, faster) if rate]
        alone = {side: samples[:1] for side, samples in sides.items()}
        trials = [partial(_idle, alone)]
        trials += [partial(_measured, seller.stack, busy, sides, rate, defaultdict(list)) for rate in rates]
        yield Row(trials, _lines(faster))


def _lines(faster: int | None) -> list[Line]:
    lines = [
        Line("idle, p50 ÷ Kafka alone", f"visible {IDLE} p50", f"Kafka alone {IDLE} p50", "ms"),
        Line("idle, p50", f"visible {IDLE} p50", unit="ms", target=Target(at_most=8)),
        *_at(RATE, "", Target(at_most=5), Target(at_most=3)),
        Line(f"at {RATE}/s, p50", f"visible at {RATE}/s p50", unit="ms", target=Target(at_most=15)),
    ]
    if faster:
        lines += _at(faster, "" if faster == FASTER[0] else f" (this machine holds no {FASTER[0]}/s)", None, None)
    return lines


def _at(rate: int, why: str, half: Target | None, slowest: Target | None) -> list[Line]:
    ours, other, text = f"visible at {rate}/s", f"Kafka alone at {rate}/s", f"at {rate}/s{why}"
    return [
        Line(f"{text}, p50 ÷ Kafka alone", f"{ours} p50", f"{other} p50", "ms", half),
        Line(f"{text}, p99 pooled ÷ Kafka alone", f"{ours} p99, pooled", f"{other} p99, pooled", "ms", slowest, pooled=True),
        Line(f"{text}, events as they came about", f"events at {rate}/s"),
    ]


Busy = Callable[[float, float], Coroutine[None, None, float]]
"""Generates events at a rate for a time in seconds. Returns the reached rate."""


async def under_load(url: str, calls: Iterator[Call], rate: float, seconds: float) -> float:
    answers = await load(url, calls, connections=CONNECTIONS, rate=rate, seconds=seconds)
    return answers.expect(200, 202).rate


async def _held(busy: Busy, watching: Sequence[Sample]) -> int | None:
    """The highest rate of FASTER with timely responses and visibility within a second, or None."""
    for rate in FASTER:
        reached = await busy(rate, 4)
        if reached > 0.95 * rate and await watching[0]() < 1:
            return rate
    return None


async def _idle(alone: Mapping[str, Sequence[Sample]]) -> Figures:
    """One customer without other load. The sides alternate, because each would keep the other's broker busy."""
    figures: dict[str, float] = {}
    for side, samples in alone.items():
        figures |= percentiles(await sample_all(samples), f"{side} {IDLE}")
    return figures


async def _measured(
    stack: Stack, busy: Busy, sides: Mapping[str, Sequence[Sample]], rate: int, so_far: dict[str, list[float]]
) -> Figures:
    """Both sides concurrently, because other load of the machine may last only as long as a sample."""
    figures, meter = dict[str, float](), Meter(processes(stack))
    async with asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(busy(rate - WATCHED / PACE_SECONDS, SECONDS))
        taken = {side: tasks.create_task(sample_all(samples)) for side, samples in sides.items()}
    reached = loading.result() + WATCHED / PACE_SECONDS
    figures |= {**meter.each(f"events at {rate}/s", reached * SECONDS), f"events at {rate}/s": reached}
    for side, task in taken.items():
        name, seconds = f"{side} at {rate}/s", task.result()
        so_far[name] += seconds
        figures |= percentiles(seconds, name) | {f"{name} p99, pooled": percentiles(so_far[name], "all")["all p99"]}
    return figures


async def sample_all(samples: Sequence[Sample]) -> list[float]:
    """Take samples at a steady pace, staggered."""
    begun = time.perf_counter()

    async def repeated(first: float, sample: Sample) -> list[float]:
        taken = []
        for number in range(int(SECONDS / PACE_SECONDS)):
            await asyncio.sleep(max(0.0, first + PACE_SECONDS * number - time.perf_counter()))
            taken.append(await sample())
        return taken

    everyone = await asyncio.gather(
        *(repeated(begun + PACE_SECONDS * n / len(samples), sample) for n, sample in enumerate(samples))
    )
    return [seconds for taken in everyone for seconds in taken]


@asynccontextmanager
async def watch(customer: Customer, passed: Callable[[Passage], None] = lambda _: None) -> AsyncIterator[Sample]:
    """Open a session of the customer that listens while the merchant's back end cancels and withdraws.

    `passed` is called with the times of every sample.
    """
    merchant = customer.shop.id
    names = f"{merchant}/subscription-{customer.subscription}", f"{merchant}/{customer.id}"
    commands = cancel_and_withdraw(customer.shop, [customer.subscription])
    async with customer.portal() as visit:
        await visit.sees(lambda page: [row["status"] for row in page["invoices"]["items"]] == ["paid"])
        await asyncio.sleep(0.5)
        after = {"after": (await visit.overview())["revision"]}
        async with visit.browser.stream("GET", "/api/stream", params=after) as stream:
            lines = stream.aiter_lines()

            async def sample() -> float:
                began = time.time()
                (await load(customer.shop.stack.urls["subscriptions"], islice(commands, 1), connections=1)).expect(200, 202)
                answered, by_the_clock = time.perf_counter(), time.time()
                while not (await anext(lines)).startswith("id: "):
                    pass
                seconds = time.perf_counter() - answered
                passed(Passage(*names, began, by_the_clock, by_the_clock + seconds))
                return seconds

            yield sample


@asynccontextmanager
async def _kafka_alone(bootstrap: str) -> AsyncIterator[Sample]:
    """Send the same bytes to a separate topic and read them; several round trips may be in flight."""
    topic = await fresh_topic(bootstrap)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap)
    in_flight: dict[bytes, Future[float]] = {}

    async def read() -> None:
        async for record in consumer:
            in_flight.pop(record.key).set_result(time.perf_counter())

    await consumer.start()
    reading = asyncio.create_task(read())
    try:
        async with producer(bootstrap) as sending:

            async def sample() -> float:
                key, arrived, begun = uuid4().bytes, Future[float](), time.perf_counter()
                in_flight[key] = arrived
                acknowledged = await sending.send(topic, ENVELOPE, key)
                seconds = await arrived - begun
                await acknowledged
                return seconds

            yield sample
    finally:
        reading.cancel()
        await consumer.stop()
