"""Callers who share round trips: together when there are many, at once when there is one, and nobody for another."""

import asyncio
from collections.abc import Sequence
from typing import cast

import asyncpg
import pytest

from chassis.eventsourcing.event_store import StoreAway, StoreBusy
from chassis.postgres.coalescing import PinnedConnection, RequestCoalescer


class Rounds:
    """Answers each number with its double, once `gate` is open."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.seen.append(list(numbers))
        await self.gate.wait()
        return [ValueError(number) if number < 0 else 2 * number for number in numbers]


async def test_who_comes_alone_goes_at_once() -> None:
    rounds = Rounds()
    assert await RequestCoalescer([rounds.send], most=10, waiting=10).ask(4) == 8
    assert rounds.seen == [[4]]


async def test_those_who_come_meanwhile_travel_together() -> None:
    rounds = Rounds()
    together: RequestCoalescer[int, int] = RequestCoalescer([rounds.send], most=3, waiting=10)
    rounds.gate.clear()
    first = asyncio.create_task(together.ask(0))
    await asyncio.sleep(0.01)
    others = asyncio.gather(*(together.ask(i) for i in range(1, 5)))
    await asyncio.sleep(0)
    rounds.gate.set()
    assert (await first, await others) == (0, [2, 4, 6, 8])
    assert rounds.seen == [[0], [1, 2, 3], [4]]


async def test_those_who_come_at_once_are_shared_out_among_the_idle() -> None:
    rounds = Rounds()
    together: RequestCoalescer[int, int] = RequestCoalescer([rounds.send] * 2, most=10, waiting=10)
    rounds.gate.clear()
    callers = asyncio.gather(*map(together.ask, range(5)))
    await asyncio.sleep(0.01)
    assert rounds.seen == [[0, 1, 2], [3, 4]]
    rounds.gate.set()
    assert await callers == [0, 2, 4, 6, 8]


async def test_few_are_not_shared_out() -> None:
    rounds = Rounds()
    together: RequestCoalescer[int, int] = RequestCoalescer([rounds.send] * 2, most=10, waiting=10, least=4)
    assert await asyncio.gather(*map(together.ask, range(5))) == [0, 2, 4, 6, 8]
    assert rounds.seen == [[0, 1, 2, 3], [4]]


async def test_who_waits_at_the_end_is_served() -> None:
    rounds = Rounds()
    together: RequestCoalescer[int, int] = RequestCoalescer([rounds.send], most=1, waiting=10)
    callers = asyncio.gather(*map(together.ask, range(3)))
    await asyncio.sleep(0)
    await together.close()
    assert (rounds.seen, await callers) == ([[0], [1], [2]], [0, 2, 4])


async def test_an_exception_is_for_the_one_it_concerns() -> None:
    together: RequestCoalescer[int, int] = RequestCoalescer([Rounds().send], most=3, waiting=10)
    assert [str(fate) for fate in await asyncio.gather(*map(together.ask, (1, -1, 2)), return_exceptions=True)] == [
        "2",
        "-1",
        "4",
    ]


async def test_who_gives_up_before_the_start_does_not_travel() -> None:
    rounds = Rounds()
    together: RequestCoalescer[int, int] = RequestCoalescer([rounds.send], most=3, waiting=10)
    rounds.gate.clear()
    callers = [asyncio.create_task(together.ask(i)) for i in range(2)]
    await asyncio.sleep(0)
    callers[0].cancel()
    rounds.gate.set()
    assert await callers[1] == 2
    assert rounds.seen == [[1]]


async def test_too_many_are_turned_away_and_none_is_taken_after_the_end() -> None:
    rounds = Rounds()
    together: RequestCoalescer[int, int] = RequestCoalescer([rounds.send], most=1, waiting=1)
    rounds.gate.clear()
    travelling = asyncio.create_task(together.ask(1))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(together.ask(2))
    await asyncio.sleep(0)
    with pytest.raises(StoreBusy):
        await together.ask(3)
    rounds.gate.set()
    await together.close()
    assert (await travelling, await waiting) == (2, 4)
    with pytest.raises(StoreBusy):
        await together.ask(5)


async def test_a_sender_that_breaks_ends_the_process() -> None:
    died = asyncio.Event()

    async def broken(_: Sequence[int]) -> Sequence[int]:
        raise RuntimeError("a fault of ours")

    together: RequestCoalescer[int, int] = RequestCoalescer([broken], most=1, waiting=1, die=died.set)
    caller = asyncio.create_task(together.ask(1))
    await asyncio.wait_for(died.wait(), 1)
    caller.cancel()


class Leaving:
    """A pool and its one connection: whatever is begun on it is lost on the way."""

    def __init__(self) -> None:
        self.begun = 0

    async def acquire(self) -> "Leaving":
        return self

    async def release(self, _: object) -> None: ...

    def terminate(self) -> None: ...

    def is_closed(self) -> bool:
        return True


async def test_work_that_was_lost_on_its_way_again_and_again_may_have_been_done(monkeypatch: pytest.MonkeyPatch) -> None:
    leaving = Leaving()
    monkeypatch.setattr(PinnedConnection, "PATIENCE", 0.05)

    async def commit(_: object) -> None:
        leaving.begun += 1
        raise ConnectionResetError("before the answer came")

    with pytest.raises(StoreAway):
        await PinnedConnection(cast(asyncpg.Pool, leaving)).run(commit)
    assert leaving.begun > 1
