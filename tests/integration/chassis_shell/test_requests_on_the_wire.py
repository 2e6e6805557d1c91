"""Requests that no client library sends: unambiguous ones are served, ambiguous ones are refused with a problem."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request

from chassis.http.app import create_app
from support.raw_http import Answer, answer_to, connected, served


def shop() -> FastAPI:
    app = create_app("shop", service="shop")

    @app.api_route("/", methods=["GET", "POST"])
    async def echo(request: Request) -> dict[str, object]:
        body = (await request.body()).decode("latin-1")
        return {"host": request.headers["host"], "body": body, "headers": dict(request.headers), "path": request.url.path}

    return app


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(shop()) as port:
        yield port


POST = b"POST / HTTP/1.1\r\nhost: h\r\n"
END = b"GET / HTTP/1.1\r\nhost: last\r\nconnection: close\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n"


async def answers(port: int, data: bytes) -> list[Answer]:
    """All responses until the server closes the connection."""
    received = []
    async with asyncio.timeout(30), connected(port) as wire:
        await wire.send(data)
        while True:
            try:
                received.append(await wire.answer())
            except EOFError:
                return received


REFUSED = {
    "content-length and transfer-encoding": POST + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding and content-length": POST + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
    "two content-lengths": POST + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "one content-length twice": POST + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc",
    "a list of content-lengths": POST + b"content-length: 3, 3\r\n\r\nabc",
    "signed content-length": POST + b"content-length: +3\r\n\r\nabc",
    "negative content-length": POST + b"content-length: -3\r\n\r\nabc",
    "hexadecimal content-length": POST + b"content-length: 0x3\r\n\r\nabc",
    "huge content-length": POST + b"content-length: 99999999999999999999999\r\n\r\nabc",
    "chunked twice": POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, chunked": POST + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "gzip, chunked": POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "xchunked": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked in 1.0": b"POST / HTTP/1.0\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding with a space": POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding with a vertical tab": POST + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "folded transfer-encoding": POST + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "folded value": b"GET / HTTP/1.1\r\nhost: h\r\nx-a: b\r\n c\r\n\r\n",
    "folded first line": b"GET / HTTP/1.1\r\n host: h\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nhost: h\n\n",
    "a bare line feed in the head": b"GET / HTTP/1.1\r\nhost: h\nx-a: b\r\n\r\n",
    "a bare carriage return in a value": b"GET / HTTP/1.1\r\nhost: h\r\nx-a: b\rc\r\n\r\n",
    "a bare carriage return as line end": b"GET / HTTP/1.1\r\nhost: h\rx-a: b\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\nhost: h\r\nx-a: b\x00c\r\n\r\n",
    "NUL in a name": b"GET / HTTP/1.1\r\nhost: h\r\nx\x00a: b\r\n\r\n",
    "a name with a space before the colon": b"GET / HTTP/1.1\r\nhost : h\r\n\r\n",
    "an empty name": b"GET / HTTP/1.1\r\nhost: h\r\n: b\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nhost: h\r\nx-a\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n",
    "a host with a user": b"GET / HTTP/1.1\r\nhost: a@b\r\n\r\n",
    "a host with a space": b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
    "a host of other letters": "GET / HTTP/1.1\r\nhost: ñ\r\n\r\n".encode(),
    "one host twice": b"GET / HTTP/1.1\r\nhost: a\r\nHost: a\r\n\r\n",
    "an unknown method": b"BREW / HTTP/1.1\r\nhost: h\r\n\r\n",
    "a method in small letters": b"get / HTTP/1.1\r\nhost: h\r\n\r\n",
    "no method": b" / HTTP/1.1\r\nhost: h\r\n\r\n",
    "CONNECT": b"CONNECT other:443 HTTP/1.1\r\nhost: other:443\r\n\r\n",
    "CONNECT with a path": b"CONNECT / HTTP/1.1\r\nhost: h\r\n\r\n",
    "an upgrade with a body": (POST + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nabc"),
    "a target with user information": b"GET http://me:secret@here/ HTTP/1.1\r\nhost: here\r\n\r\n",
    "a target without a slash": b"GET nowhere HTTP/1.1\r\nhost: h\r\n\r\n",
    "an asterisk with GET": b"GET * HTTP/1.1\r\nhost: h\r\n\r\n",
    "a target of other letters": "GET /ñ HTTP/1.1\r\nhost: h\r\n\r\n".encode(),
    "a space in the target": b"GET /a b HTTP/1.1\r\nhost: h\r\n\r\n",
    "no version": b"GET /\r\nhost: h\r\n\r\n",
    "version 3.0": b"GET / HTTP/3.0\r\nhost: h\r\n\r\n",
    "version 1.1x": b"GET / HTTP/1.1x\r\nhost: h\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "nonsense": b"\x00\x01\x02\xff\r\n\r\n",
    "a chunk of no size": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "a chunk of a negative size": CHUNKED + b"-1\r\nabc\r\n0\r\n\r\n",
    "a chunk size in 0x": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "an enormous chunk size": CHUNKED + b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a chunk that is longer than it says": CHUNKED + b"1\r\nabc\r\n0\r\n\r\n",
    "a chunk with a bare line feed": CHUNKED + b"3\nabc\n0\n\n",
    "a chunk extension with a bare line feed": CHUNKED + b"3;a=b\nabc\r\n0\r\n\r\n",
    "a chunk extension without end": CHUNKED + b"3;" + b"a" * 100_000,
    "many chunk extensions": CHUNKED + (b"1;" + b"a" * 1000 + b"\r\nb\r\n") * 100 + b"0\r\n\r\n",
    "chunks of one byte": CHUNKED + b"1\r\na\r\n" * 30_000 + b"0\r\n\r\n",
    "trailers without end": CHUNKED + b"3\r\nabc\r\n0\r\n" + b"x-a: b\r\n" * 10_000,
    "a trailer without end": CHUNKED + b"3\r\nabc\r\n0\r\nx-a: " + b"b" * 100_000,
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
async def test_an_ambiguous_request_is_refused_and_nothing_after_it_is_read(port: int, sent: bytes) -> None:
    received = await answers(port, sent + END)
    assert len(received) == 1, "the rest is not a request"
    assert 400 <= received[0].status < 500
    assert received[0].problem["code"] in {"malformed_request", "duplicate_header"}
    assert received[0].header("connection") == "close"
    assert (await answer_to(port, END)).status == 200


ONE_MEANING = {
    "trailing body after its length": (POST + b"content-length: 3\r\n\r\nabc", {"body": "abc"}),
    "chunks": (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", {"body": "abc"}),
    "chunks with an extension": (CHUNKED + b'3;name="value"\r\nabc\r\n0\r\n\r\n', {"body": "abc"}),
    "chunked in capitals": (
        POST + b"Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        {"body": "abc"},
    ),
    "an absolute target": (b"GET http://there:81/ HTTP/1.1\r\nhost: here\r\n\r\n", {"host": "there:81", "path": "/"}),
    "an absolute target without a path": (b"GET http://there HTTP/1.1\r\nhost: here\r\n\r\n", {"host": "there", "path": "/"}),
    "an upgrade to WebSocket": (
        b"GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n"
        b"sec-websocket-version: 13\r\n\r\n",
        {"body": ""},
    ),
    "an upgrade to HTTP/2": (
        b"GET / HTTP/1.1\r\nhost: h\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n",
        {"body": ""},
    ),
    "an absolute target with a query": (b"GET http://[::1]:81/?a=b HTTP/1.1\r\nhost: here\r\n\r\n", {"host": "[::1]:81"}),
    "1.0 without a host": (b"GET / HTTP/1.0\r\nhost: h\r\nconnection: keep-alive\r\n\r\n", {"host": "h"}),
    "empty lines before": (b"\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n", {"host": "h"}),
}


@pytest.mark.parametrize(("sent", "expected"), ONE_MEANING.values(), ids=ONE_MEANING)
async def test_an_unambiguous_request_gets_its_response(port: int, sent: bytes, expected: dict[str, str]) -> None:
    answer = await answer_to(port, sent)
    assert answer.status == 200
    body = json.loads(answer.body)
    assert expected.items() <= body.items()


async def test_trailers_do_not_become_headers(port: int) -> None:
    trailers = b"authorization: Bearer x\r\nhost: other\r\nx-csrf-token: y\r\n"
    received = await answers(port, CHUNKED + b"3\r\nabc\r\n0\r\n" + trailers + b"\r\n" + END)
    assert [each.status for each in received] == [200, 200]
    body = json.loads(received[0].body)
    assert body["headers"] == {"host": "here", "transfer-encoding": "chunked"}


async def test_an_upgrade_closes_the_connection_after_its_response(port: int) -> None:
    upgrade = b"GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    received = await answers(port, upgrade + END)
    assert [(each.status, each.header("connection")) for each in received] == [(200, "close")]


@pytest.mark.parametrize(("version", "asks"), [("1.1", True), ("1.0", False)])
async def test_expect_100_continue_requests_the_body(port: int, version: str, asks: bool) -> None:
    head = f"POST / HTTP/{version}\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n".encode()
    async with asyncio.timeout(20), connected(port) as wire:
        await wire.send(head)
        if asks:
            assert (await wire.answer()).status == 100
        await wire.send(b"abc")
        assert (await wire.answer()).status == 200


async def test_expect_100_continue_does_not_request_a_large_body(port: int) -> None:
    answer = await answer_to(port, POST + b"expect: 100-continue\r\ncontent-length: 70000\r\n\r\n")
    assert (answer.status, answer.problem["code"]) == (413, "body_too_large")


async def test_a_large_body_gets_its_response_while_it_is_sent(port: int) -> None:
    for framing in (b"content-length: 3000000\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n2dc6c0\r\n"):
        received = await answers(port, POST + b"" + framing + b"a" * 3_000_000)
        assert [(each.status, each.problem["code"]) for each in received] == [(413, "body_too_large")]


async def test_options_of_the_server_names_its_methods(port: int) -> None:
    answer = await answer_to(port, b"OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n")
    assert (answer.status, answer.header("allow")) == (204, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
