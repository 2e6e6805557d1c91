"""Bodies are accepted only if they are unambiguous and small, in any framing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from pydantic import StrictInt

from chassis.http.app import create_app
from chassis.http.bodies import StrictBody
from chassis.http.requests import MAX_BODY_BYTES

JSON = {"content-type": "application/json"}


class Order(StrictBody):
    amount: StrictInt
    notes: Any = None


async def ordered(content: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    """The response, and whether the order was accepted."""
    app = create_app("shop", service="shop")

    @app.post("/orders")
    async def order(body: Order) -> dict[str, int]:
        return {"amount": body.amount}

    async with AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://shop") as client:
        answer = await client.post("/orders", content=content, headers=JSON | headers)
    assert answer.is_success or answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{} {}",
        b"\xff",
        b'{"amount": 1, "amount": 2}',
        b'{"amount": 1, "notes": [{"a": 1, "a": 1}]}',
        b'{"amount": 1, "notes": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"amount": ' + b"9" * 5_000 + b"}",
        '{"amount": 1}'.encode("utf-16"),
        b'\xef\xbb\xbf{"amount": 1}',
    ],
    ids=["half", "two", "no text", "twice", "twice inside", "deep", "endless", "utf-16", "bom"],
)
async def test_ambiguous_json_is_malformed(body: bytes) -> None:
    status, problem = await ordered(body)
    assert (status, problem["code"]) == (400, "malformed_json")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"amount": 1.5}', "/amount"),
        (b'{"amount": 1e3}', "/amount"),
        (b'{"amount": 1e309}', "/amount"),
        (b'{"amount": NaN}', "/amount"),
        (b'{"amount": -Infinity}', "/amount"),
        (b'{"amount": "1"}', "/amount"),
        (b'{"amount": true}', "/amount"),
        (b'{"amount": null}', "/amount"),
        (b'{"amount": 1, "more": 1}', "/more"),
        (b"[]", ""),
        (b"null", ""),
        (b"", ""),
    ],
)
async def test_invalid_fields_are_named_by_pointer(body: bytes, pointer: str) -> None:
    status, problem = await ordered(body)
    assert (status, problem["code"], problem["errors"][0]["pointer"]) == (422, "invalid_request", pointer)


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded", "json", "text/json", "application/xml"])
async def test_another_media_type_is_refused_and_json_is_named(kind: str) -> None:
    status, problem = await ordered(b'{"amount": 1}', **{"content-type": kind})
    assert (status, problem["code"], problem["detail"]) == (415, "unsupported_media_type", "Send application/json")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"])
async def test_other_json_media_types_are_accepted(kind: str) -> None:
    assert await ordered(b'{"amount": 1}', **{"content-type": kind}) == (200, {"amount": 1})


async def test_a_compressed_body_is_refused() -> None:
    status, problem = await ordered(b"\x1f\x8b", **{"content-encoding": "gzip"})
    assert (status, problem["code"]) == (415, "unsupported_content_encoding")


async def test_a_body_in_chunks_is_read_completely() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"am', b"", b'ount": ', b"7}"):
            yield piece

    assert await ordered(pieces()) == (200, {"amount": 7})


async def test_a_body_that_never_ends_is_too_large() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield b" " * 1000

    status, problem = await ordered(endless())
    assert (status, problem["code"]) == (413, "body_too_large")
    assert sent < 2 * MAX_BODY_BYTES
