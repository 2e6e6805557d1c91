"""The way of an event in stages: what the services' wrappers note, and the time from each stage to the next."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bench.stages import (
    ACKNOWLEDGED,
    ALL,
    COMMITTED,
    FETCHED,
    INSIDE,
    READ,
    SENT,
    STEPS,
    Notes,
    Passage,
    durations,
    read_notes,
    wrap_consumer,
    wrap_relay,
    wrap_stream,
)
from chassis.consumers.batch_processor import BatchProcessor
from chassis.consumers.group_member import ConsumerGroupMember
from chassis.decoding import Record
from chassis.eventsourcing.event_store import Message
from chassis.outbox import relay
from chassis.outbox.cursor import Page, RelayPosition
from chassis.outbox.producer import Publisher
from portal_gateway.adapters.api import overview
from portal_gateway.adapters.view_notifier import ViewNotifier
from portal_gateway.application.live import Pulse, Update

MERCHANT, CUSTOMER = UUID(int=1), UUID(int=2)
KEY, OF_CUSTOMER = f"{MERCHANT}/subscription-{UUID(int=3)}", f"{MERCHANT}/{CUSTOMER}"
PASSAGE = Passage(KEY, OF_CUSTOMER, began=10.0, answered=10.010, arrived=10.050)
TIMES = {READ: 10.008, ACKNOWLEDGED: 10.015, FETCHED: 10.020, COMMITTED: 10.035, SENT: 10.045}


def passed() -> dict[str, dict[str, list[float]]]:
    return {stage: {OF_CUSTOMER if stage == SENT else KEY: [at]} for stage, at in TIMES.items()}


def test_a_step_is_the_time_from_one_stage_to_the_next_also_where_the_relay_was_before_the_answer() -> None:
    steps = durations(PASSAGE, passed())
    assert steps is not None
    assert [round(1000 * step) for step in steps] == [-2, 7, 5, 15, 10, 5]
    assert len(STEPS) == len(steps) == len(ALL) - 1


@pytest.mark.parametrize("stage", INSIDE)
def test_an_event_of_which_a_stage_was_not_noted_does_not_count(stage: str) -> None:
    assert durations(PASSAGE, {name: of for name, of in passed().items() if name != stage}) is None


def test_notes_of_earlier_and_later_events_do_not_count() -> None:
    times = passed()
    for of in times.values():
        for key in of:
            of[key] = [9.0, *of[key], 10.06]
    assert durations(PASSAGE, times) == durations(PASSAGE, passed())


def test_notes_of_several_processes_are_read_as_times_by_stage_and_key(tmp_path: Path) -> None:
    before = time.time()
    for notes in (Notes(tmp_path / "stages"), Notes(tmp_path / "stages")):
        notes.add(READ, [b"one", None, b"two", b"one"])
        notes.add(SENT, [])
    notes_by_stage = read_notes(tmp_path / "stages")
    assert {stage: {key: len(times) for key, times in of.items()} for stage, of in notes_by_stage.items()} == {
        READ: {"one": 2, "two": 2}
    }
    assert before <= notes_by_stage[READ]["one"][0] <= notes_by_stage[READ]["one"][1] <= time.time()


@pytest.fixture
def unwrapped() -> Iterator[None]:
    """The services' functions are put back."""
    names = (
        (relay, "read_page"),
        (Publisher, "send"),
        (ConsumerGroupMember, "_on_batch"),
        (BatchProcessor, "handle"),
        (ViewNotifier, "of"),
        (overview, "sse"),
    )
    originals = [(where, name, getattr(where, name)) for where, name in names]
    yield
    for where, name, was in originals:
        setattr(where, name, was)


@pytest.mark.usefixtures("unwrapped")
async def test_the_relay_notes_what_it_reads_and_what_is_acknowledged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    message = Message("billing.subscriptions", KEY.encode(), b"{}")
    page = Page((message,), RelayPosition(1, 1, 1))

    async def read_page(*_: Any) -> Page:
        return page

    async def send(_: Publisher, messages: Sequence[Message]) -> dict[str, dict[str, int]]:
        return {"billing.subscriptions": {"0": len(messages)}}

    monkeypatch.setattr(relay, "read_page", read_page)
    monkeypatch.setattr(Publisher, "send", send)
    wrap_relay(Notes(tmp_path / "stages"))
    names: Any = relay
    assert await names.read_page(None, page.last, 10) == page
    assert await Publisher.send(Publisher.__new__(Publisher), [message]) == {"billing.subscriptions": {"0": 1}}
    assert read_notes(tmp_path / "stages").keys() == {READ, ACKNOWLEDGED}


@pytest.mark.usefixtures("unwrapped")
async def test_the_consumer_notes_what_it_fetched_and_what_is_committed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    handled: list[Any] = []

    async def handle(_: BatchProcessor, records: Any, settle: Any, readings: Any = None) -> set[tuple[UUID, UUID]]:
        handled.append(records)
        return {(MERCHANT, CUSTOMER)}

    async def on_batch(_: ConsumerGroupMember, records: Any) -> None:
        handled.append(records)

    monkeypatch.setattr(BatchProcessor, "handle", handle)
    monkeypatch.setattr(ConsumerGroupMember, "_on_batch", on_batch)
    wrap_consumer(Notes(tmp_path / "stages"))
    records: Any = (Record("billing.subscriptions", 0, 7, KEY.encode(), b"{}"),)
    await ConsumerGroupMember._on_batch(ConsumerGroupMember.__new__(ConsumerGroupMember), records)
    assert read_notes(tmp_path / "stages").keys() == {FETCHED}
    assert await BatchProcessor.handle(BatchProcessor.__new__(BatchProcessor), records, None) == {(MERCHANT, CUSTOMER)}  # type: ignore[arg-type]
    assert read_notes(tmp_path / "stages").keys() == {FETCHED, COMMITTED}
    assert handled == [records, records]


@pytest.mark.usefixtures("unwrapped")
async def test_a_stream_notes_the_customer_to_whom_an_update_is_sent_and_no_pulse(tmp_path: Path) -> None:
    wrap_stream(Notes(tmp_path / "stages"))
    names: Any = overview

    no_pool: Any = None

    async def stream(customer: UUID) -> str:
        notifier = ViewNotifier(no_pool, asyncio.Event(), per_session=8)
        notifier._tasks = [asyncio.create_task(asyncio.sleep(0))]
        with notifier.of(MERCHANT, customer, UUID(int=1)):
            await asyncio.sleep(0)
            return str(names.sse(Pulse("mark"))) + str(names.sse(Update(7, ())))

    texts = await asyncio.gather(asyncio.create_task(stream(CUSTOMER)), asyncio.create_task(stream(UUID(int=9))))
    assert all("id: 7\n" in text for text in texts)
    assert {stage: set(of) for stage, of in read_notes(tmp_path / "stages").items()} == {
        SENT: {OF_CUSTOMER, f"{MERCHANT}/{UUID(int=9)}"}
    }
