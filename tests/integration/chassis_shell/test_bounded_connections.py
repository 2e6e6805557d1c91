"""Limits per client: size and time of a request, idle connections, unread responses, number of connections."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from chassis.http.connections import ClientConnections, Limits
from support.flood import flooded
from support.raw_http import Wire, answer_to, connect, connected, served

QUICK = Limits(head_seconds=1, body_seconds=2, idle_seconds=2, stall_seconds=2)
GET = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"


async def hello(request: Request) -> Response:
    return PlainTextResponse(f"{request.headers.get('x-last', '')}{len(await request.body())}")


async def large(_: Request) -> Response:
    return Response(bytes(16 * 2**20))


async def endless(_: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"."
            await asyncio.sleep(0.05)

    return StreamingResponse(chunks())


async def unread(_: Request) -> Response:
    return PlainTextResponse("answered before the body was read")


APP = Starlette(
    routes=[
        Route("/", hello, methods=["GET", "POST"]),
        Route("/large", large),
        Route("/endless", endless),
        Route("/unread", unread, methods=["POST"]),
    ]
)


def head_of(size: int) -> bytes:
    """A complete head of exactly this many bytes."""
    start, end = b"GET / HTTP/1.1\r\nhost: here\r\nx-pad: ", b"\r\nx-last: yes\r\n\r\n"
    return start + b"a" * (size - len(start) - len(end)) + end


async def test_a_head_of_32_kib_is_read_and_one_byte_more_is_refused() -> None:
    with served(APP) as port:
        assert (await answer_to(port, head_of(32 * 1024))).body == b"yes0"
        refused = await answer_to(port, head_of(32 * 1024 + 1))
        assert (refused.status, refused.problem["code"]) == (431, "request_header_fields_too_large")
        assert refused.header("connection") == "close"


async def test_the_number_of_header_fields_is_limited() -> None:
    with served(APP) as port:
        start = b"GET / HTTP/1.1\r\nhost: here\r\n"
        assert (await answer_to(port, start + b"a:\r\n" * 199 + b"\r\n")).status == 200
        refused = await answer_to(port, start + b"a:\r\n" * 200 + b"\r\n")
        assert (refused.status, refused.problem["code"]) == (431, "request_header_fields_too_large")


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\nhost: here\r\nx-a: ",
        b"GET /",
        b"GET / HTTP/1.1\r\nhost: here\r\nx-",
        b"GET / HTTP/1.1\r\nhost: here\r\n" + b"x-a: b\r\n" * 1000,
    ],
    ids=["a value", "a path", "a name", "many fields"],
)
async def test_an_endless_head_is_refused_while_it_arrives(start: bytes) -> None:
    with served(APP) as port:
        async with connected(port) as wire:
            await wire.send(start)
            answering, sent = asyncio.create_task(wire.answer()), 0
            while not answering.done() and sent < 64 * 2**20:
                await wire.send(b"a" * 65536)
                sent += 65536
                await asyncio.sleep(0)
            answer = await answering
            assert (answer.status, answer.problem["code"]) == (431, "request_header_fields_too_large")
            assert await wire.closed() == b""
        assert sent < 8 * 2**20
        assert (await answer_to(port, GET)).status == 200


async def test_a_pipelined_head_is_limited() -> None:
    with served(APP) as port:
        first, *refused = await asyncio.wait_for(_pipelined(port, GET + head_of(100_000)), 20)
        assert first == 200
        # The head is refused with a response only when it arrives after the first request was answered.
        assert refused in ([], [431])


async def _pipelined(port: int, data: bytes) -> list[int]:
    async with connected(port) as wire:
        await wire.send(data)
        statuses = []
        while True:
            try:
                statuses.append((await wire.answer()).status)
            except EOFError:
                return statuses


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (b"", None),
        (b"GET / HTTP/1.1\r\nhost:", 408),
        (b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\n", 408),
        (b"POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n", 408),
        (GET, 200),
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk", "and then idle"],
)
async def test_a_client_that_stops_sending_is_disconnected(start: bytes, status: int | None) -> None:
    with served(APP, QUICK) as port:
        async with connected(port) as wire:
            await wire.send(start)
            if status:
                answer = await wire.answer()
                assert answer.status == status
                assert status == 200 or answer.problem["code"] == "request_timeout"
            assert await wire.closed() == b""


@pytest.mark.parametrize(
    "start", [b"GET / HTTP/1.1\r\nhost:", b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\n"], ids=["head", "body"]
)
async def test_a_client_that_sends_a_byte_at_a_time_gets_no_more_time(start: bytes) -> None:
    with served(APP, QUICK) as port:
        async with connected(port) as wire:
            await wire.send(start)
            answering = asyncio.create_task(wire.answer())
            async with asyncio.timeout(20):
                while not answering.done():
                    await wire.send(b"a")
                    await asyncio.sleep(0.1)
            assert (await answering).status == 408


async def test_a_body_with_pauses_that_arrives_in_time_is_read() -> None:
    with served(APP, QUICK) as port:
        async with connected(port) as wire:
            await wire.send(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 3\r\n\r\n")
            for _ in range(3):
                await asyncio.sleep(0.3)
                await wire.send(b"a")
            assert (await wire.answer()).body == b"3"


async def test_a_connection_is_kept_between_requests() -> None:
    with served(APP, QUICK) as port:
        async with connected(port) as wire:
            for _ in range(3):
                await wire.send(GET)
                assert (await wire.answer()).status == 200
                await asyncio.sleep(1.2)


async def test_a_slow_response_has_no_time_limit() -> None:
    with served(APP, QUICK) as port:
        async with connected(port) as wire:
            await wire.send(b"GET /endless HTTP/1.1\r\nhost: here\r\n\r\n")
            assert (await wire.answer(head_only=True)).status == 200
            async with asyncio.timeout(20):
                assert await wire.take(80 * len(b"1\r\n.\r\n"))


async def test_a_client_that_reads_nothing_is_disconnected() -> None:
    with served(APP, QUICK) as port:
        async with connected(port) as wire:
            wire.transport.pause_reading()
            await wire.send(b"GET /large HTTP/1.1\r\nhost: here\r\n\r\n" * 3)
            await asyncio.sleep(5)
            wire.transport.resume_reading()
            received = await wire.closed()
            assert len(received) < 16 * 2**20


async def test_an_unread_body_does_not_prevent_the_response() -> None:
    with served(APP) as port:
        body = b"POST /unread HTTP/1.1\r\nhost: here\r\ncontent-length: 500000\r\n\r\n" + b"a" * 400_000
        answer = await answer_to(port, body)
        assert (answer.status, answer.header("connection")) == (200, "close")


async def send_all(wire: Wire, data: bytes) -> None:
    for _ in range(10_000):
        await wire.send(data)


async def test_the_bytes_read_after_the_last_response_are_limited() -> None:
    with served(APP) as port:
        async with connected(port) as wire:
            await wire.send(b"POST /unread HTTP/1.1\r\nhost: here\r\ncontent-length: 1000000000\r\n\r\n")
            with pytest.raises(OSError, match="closed"):
                await send_all(wire, b"a" * 65536)


async def test_pipelined_requests_are_limited() -> None:
    with served(APP) as port:
        assert await _pipelined(port, GET * 10 + b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n") == [200] * 11
        statuses = await _pipelined(port, GET * 5000)
        assert set(statuses) == {200}
        assert len(statuses) < 50


async def test_a_stream_accepts_no_more_pipelined_requests() -> None:
    with served(APP) as port:
        async with connected(port) as wire:
            await wire.send(b"GET /endless HTTP/1.1\r\nhost: here\r\n\r\n")
            await wire.answer(head_only=True)
            with pytest.raises((OSError, TimeoutError)):
                await asyncio.wait_for(send_all(wire, GET * 2000), 3)


class TestConnections:
    """Limits per address and in total. The connection that has waited longest for its client is evicted."""

    LIMITS = Limits(connections=6, connections_per_address=4)

    async def waiting(self, port: int, number: int, source: str = "127.0.0.1") -> list[Wire]:
        wires = []
        for _ in range(number):
            wires.append(await connect(port, source))
            await wires[-1].send(b"GET / HTTP/1.1\r\n")
            await asyncio.sleep(0.05)
        return wires

    async def test_the_oldest_waiting_connection_of_an_address_is_evicted(self) -> None:
        with served(APP, self.LIMITS) as port:
            wires = await self.waiting(port, 5)
            await asyncio.sleep(2)
            assert [wire.ended for wire in wires] == [True, False, False, False, False]
            assert (await answer_to(port, GET)).status == 200

    async def test_the_oldest_waiting_connection_is_evicted(self) -> None:
        with served(APP, self.LIMITS) as port:
            wires = [wire for last in (1, 2, 3) for wire in await self.waiting(port, 3 if last < 3 else 1, f"127.0.0.{last}")]
            await asyncio.sleep(2)
            assert [wire.ended for wire in wires] == [True, False, False, False, False, False, False]

    async def test_a_connection_with_a_request_is_not_evicted(self) -> None:
        with served(APP, self.LIMITS) as port:
            streams = []
            for _ in range(4):
                streams.append(await connect(port))
                await streams[-1].send(b"GET /endless HTTP/1.1\r\nhost: here\r\n\r\n")
                assert (await streams[-1].answer(head_only=True)).status == 200
            refused = await answer_to(port, GET)
            assert (refused.status, refused.problem["code"], refused.header("retry-after")) == (503, "too_busy", "5")
            for stream in streams:
                assert await stream.take(20)
            streams[0].transport.close()
            await asyncio.sleep(0.3)
            assert (await answer_to(port, GET)).status == 200

    async def test_a_trusted_proxy_has_no_limit_per_address(self) -> None:
        with served(APP, Limits(connections=30, connections_per_address=4), trusted_proxies="127.0.0.0/8") as port:
            wires = await self.waiting(port, 12)
            await asyncio.sleep(2)
            assert not any(wire.ended for wire in wires)

    async def test_an_ipv6_network_of_64_bits_counts_as_one_address(self) -> None:
        address = ClientConnections(Limits(), "10.0.0.0/8").address_of
        assert address("2001:db8::1") == address("2001:db8::ffff") != address("2001:db8:0:1::1")
        assert address("::ffff:192.0.2.1") == "192.0.2.1"
        assert [address(each) for each in ("10.1.2.3", None, "no address")] == ["", "", ""]


@pytest.mark.parametrize("senders", [1, 50, 500])
async def test_other_clients_are_served_beside_slow_and_endless_senders(senders: int) -> None:
    with served(APP) as port:
        async with flooded(port, senders):
            for _ in range(100):
                assert (await answer_to(port, GET)).status == 200
                await asyncio.sleep(0.02)
