"""Background tasks survive faults, log them rarely, and end only on final faults."""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from aiokafka.errors import IllegalArgumentError, KafkaConnectionError

from chassis.runtime import background
from chassis.runtime.background import FAILURES, failing_tasks, repeat, survives
from chassis.runtime.faults import Backoff
from chassis.runtime.library_logs import LibraryLogs
from chassis.runtime.outages import Outages
from support.service_logs import service_logs


def fresh(clock: "Clock") -> Outages:
    """The outages of the process, as created by the fixture."""
    current: Outages = vars(background)["outages"]
    assert current.clock is clock
    return current


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    outages_of_test = Outages(clock)
    for module in ("outages", "background", "library_logs"):
        monkeypatch.setattr(f"chassis.runtime.{module}.outages", outages_of_test)
    return clock


@pytest.fixture
def lines() -> Iterator[Any]:
    """Log lines since the last call, as a service writes them."""

    def written() -> list[dict[str, Any]]:
        records = [json.loads(line) for line in stream.getvalue().splitlines()]
        stream.seek(0)
        stream.truncate()
        return records

    with service_logs("lamps", "info") as stream:
        yield written


def events(logged: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in logged]


def failures(task: str, fault: str) -> float:
    count: float = FAILURES.labels(task, fault)._value.get()
    return count


async def turns(*outcomes: BaseException | None, task: str) -> int:
    """Run one step per outcome, then stop; return the number of steps."""
    stop, taken = asyncio.Event(), 0

    async def turn() -> None:
        nonlocal taken
        outcome = outcomes[taken]
        taken += 1
        if taken == len(outcomes):
            stop.set()
        if outcome is not None:
            raise outcome

    async with asyncio.timeout(5):
        await repeat(task, turn, stop, backoff=Backoff(0.001, 0.002))
    return taken


async def test_a_lost_connection_ends_no_task(clock: Clock, lines: Any) -> None:
    lost = asyncpg.InternalClientError("got result for unknown protocol state 3")
    assert await turns(lost, lost, KafkaConnectionError("refused"), None, task="lamps.a") == 4
    assert failures("lamps.a", "transient") == 3
    assert events(lines()) == ["dependency.away", "dependency.away"], "one per dependency"


async def test_a_bug_ends_no_task_and_is_logged_with_one_traceback(clock: Clock, lines: Any) -> None:
    assert await turns(*[ZeroDivisionError("no lamps")] * 5, None, task="lamps.b") == 6
    assert failures("lamps.b", "unexpected") == 5
    [line] = lines()
    assert (line["event"], line["level"], line["task"]) == ("background.failed", "error", "lamps.b")
    assert line["exception"]


async def test_a_final_fault_ends_the_task_on_purpose(clock: Clock, lines: Any) -> None:
    with pytest.raises(IllegalArgumentError):
        await turns(IllegalArgumentError("no such option"), None, task="lamps.c")
    [line] = lines()
    assert (line["event"], line["level"]) == ("background.final_fault", "critical")


async def test_a_cancellation_raised_by_a_library_ends_no_task(clock: Clock) -> None:
    assert await turns(asyncio.CancelledError(), None, task="lamps.d") == 2


async def test_a_cancellation_of_the_task_ends_it() -> None:
    async def turn() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(repeat("lamps.e", turn, asyncio.Event()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_that_fails_permanently_does_not_end_the_process(clock: Clock) -> None:
    async def fail() -> None:
        raise asyncpg.UniqueViolationError("there")

    assert not await survives("lamps.f", fail())


async def test_a_failing_task_is_reported_until_it_succeeds(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, well = asyncio.Event(), asyncio.Event()

    async def turn() -> float:
        if not well.is_set():
            raise ZeroDivisionError("no lamps")
        return 0.001

    task = asyncio.create_task(repeat("lamps.g", turn, stop, backoff=Backoff(0.001, 0.002)))
    async with asyncio.timeout(5):
        while "lamps.g" not in failing_tasks(0):
            await asyncio.sleep(0)
        assert failing_tasks(0)["lamps.g"] == "ZeroDivisionError: no lamps"
        assert "lamps.g" not in failing_tasks(60)
        well.set()
        while "lamps.g" in failing_tasks(0):
            await asyncio.sleep(0.001)
        stop.set()
        await task


def test_an_outage_is_logged_at_its_start_once_a_minute_and_at_its_end(clock: Clock, lines: Any) -> None:
    it = fresh(clock)
    for second in range(150):
        for _ in range(80):
            it.failed(KafkaConnectionError("refused"), task="relay")
        it.worked("postgres")
        clock.now = 1001.0 + second
    it.worked("kafka")
    clock.now += 3
    it.worked("kafka")
    it.worked("kafka")
    logged = lines()
    assert events(logged) == ["dependency.away", "dependency.still_away", "dependency.still_away", "dependency.back"]
    assert [line["level"] for line in logged] == ["warning", "warning", "warning", "info"]
    assert logged[0]["dependency"] == "kafka"
    assert logged[0]["error"] == "KafkaConnectionError: refused"
    assert logged[1]["suppressed"] == 60 * 80
    assert sum(line.get("suppressed", 0) for line in logged) == 150 * 80 - 1


def test_a_success_between_failures_does_not_end_the_outage(clock: Clock, lines: Any) -> None:
    it = fresh(clock)
    for _ in range(20):
        it.failed(KafkaConnectionError("refused"))
        it.worked("kafka")
        clock.now += 0.5
    assert events(lines()) == ["dependency.away"]


async def foreign(name: str, level: int, message: str, *arguments: object, error: BaseException | None = None) -> None:
    logging.getLogger(name).log(level, message, *arguments, exc_info=error)


async def test_aiokafka_messages_during_an_outage_are_counted_and_not_logged(clock: Clock, lines: Any) -> None:
    for _ in range(100):
        await foreign("aiokafka", logging.ERROR, "Unable connect to node with id %s: %s", 1, "refused")
        await foreign("aiokafka.consumer.fetcher", logging.ERROR, "Failed fetch messages from %s: %s", 1, "NodeNotReadyError")
        await foreign("aiokafka.consumer.group_coordinator", logging.ERROR, "Group Coordinator Request failed: %s", "x")
        await foreign("aiokafka.producer.sender", logging.WARNING, "Got error produce response: %s", "x")
    assert events(lines()) == ["dependency.away"]


async def test_a_forming_group_is_not_logged_as_a_warning(clock: Clock, lines: Any) -> None:
    await foreign("aiokafka.consumer.group_coordinator", logging.ERROR, "Group Coordinator Request failed: %s", "[Error 15]")
    await foreign(
        "aiokafka.consumer.group_coordinator", logging.WARNING, "Heartbeat failed for group %s because it is rebalancing", "g"
    )
    assert {line["level"] for line in lines()} == {"info"}


async def test_repeated_library_messages_are_logged_once_a_minute(clock: Clock, lines: Any) -> None:
    for _ in range(50):
        await foreign("uvicorn.error", logging.WARNING, "Invalid HTTP request received.")
    clock.now += 61
    await foreign("uvicorn.error", logging.WARNING, "Invalid HTTP request received.")
    logged = lines()
    assert events(logged) == ["Invalid HTTP request received."] * 2
    assert logged[1]["suppressed"] == 49


async def test_driver_messages_about_an_unavailable_server_are_counted(clock: Clock, lines: Any) -> None:
    try:
        raise ConnectionRefusedError("refused")
    except ConnectionRefusedError as error:
        for _ in range(5):
            await foreign("asyncpg.pool", logging.WARNING, "Failed to restore the pool connection floor; retrying", error=error)
    await foreign("asyncio", logging.ERROR, "Exception in callback Sender._fail_all", error=KafkaConnectionError("closed"))
    logged = lines()
    assert [(line["event"], line["dependency"]) for line in logged] == [
        ("dependency.away", "postgres"),
        ("dependency.away", "kafka"),
    ]


def test_our_own_log_events_are_never_suppressed() -> None:
    ours = logging.LogRecord("portal", logging.ERROR, "", 0, "again", (), None)
    assert all(LibraryLogs().filter(ours) for _ in range(10))


@pytest.fixture(autouse=True)
async def nothing_is_left_over() -> AsyncIterator[None]:
    yield
    background._failures.clear()
    assert sys.exc_info() == (None, None, None)
