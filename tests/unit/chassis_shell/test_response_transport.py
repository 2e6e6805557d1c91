"""A response's head is sent with its body, and written data waits for at most one iteration of the event loop."""

import asyncio
from typing import Any, cast

import pytest

from chassis.http.wire import Transport


class Line:
    """A transport that records its calls."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None: ...
    def get_extra_info(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Protocol:
    closing = False

    def __init__(self, line: Line) -> None:
        self.line, self.out = line, Transport(cast(Any, line), cast(Any, self), asyncio.get_running_loop())

    def finish(self) -> None:
        self.out.flush()
        self.line.done.append("finish")


@pytest.fixture
async def protocol() -> Protocol:
    return Protocol(Line())


async def test_a_head_and_its_body_are_one_write(protocol: Protocol) -> None:
    for answer in (b"1", b"2"):
        protocol.out.write(b"head " + answer)
        protocol.out.write(b" body " + answer)
    assert protocol.line.done == [b"head 1 body 1", b"head 2 body 2"]
    await asyncio.sleep(0)
    assert len(protocol.line.done) == 2


async def test_the_head_of_a_stream_does_not_wait_for_its_first_chunk(protocol: Protocol) -> None:
    protocol.out.write(b"head")
    assert protocol.line.done == []
    await asyncio.sleep(0)
    assert protocol.line.done == [b"head"]
    protocol.out.write(b"chunk")
    await asyncio.sleep(0)
    assert protocol.line.done == [b"head", b"chunk"]


async def test_buffered_data_is_sent_before_the_connection_closes(protocol: Protocol) -> None:
    protocol.out.write(b"head")
    protocol.out.close()
    await asyncio.sleep(0)
    assert protocol.line.done == [b"head", "finish"]


async def test_nothing_is_written_to_a_closed_connection(protocol: Protocol) -> None:
    protocol.out.write(b"head")
    protocol.line.closing = True
    await asyncio.sleep(0)
    assert protocol.line.done == []
