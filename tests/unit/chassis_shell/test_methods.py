"""HEAD works like GET, OPTIONS and 405 name every method of a path, and ambiguous headers are refused."""

from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter, FastAPI
from httpx import ASGITransport, AsyncClient, Response
from starlette.responses import PlainTextResponse, StreamingResponse

from chassis.http.app import create_app

PROBLEM = "application/problem+json"


def shop() -> FastAPI:
    app, orders = create_app("shop", service="shop"), APIRouter(prefix="/orders")

    @orders.get("/{id}")
    async def one(id: str) -> dict[str, str]:
        return {"id": id}

    @orders.delete("/{id}", status_code=204)
    async def delete(id: str) -> None: ...

    @orders.patch("/{id}")
    async def change(id: str) -> dict[str, str]:
        return {"id": id}

    @orders.post("")
    async def create() -> dict[str, str]:
        return {}

    @app.get("/file")
    async def file() -> PlainTextResponse:
        return PlainTextResponse("twelve bytes", headers={"x-name": "file"})

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"more"

        return StreamingResponse(endless())

    app.include_router(orders)
    return app


async def call(method: str, path: str, *headers: tuple[str, str]) -> Response:
    async with AsyncClient(transport=ASGITransport(shop()), base_url="http://shop") as client:
        return await client.request(method, path, headers=list(headers))


@pytest.mark.parametrize("path", ["/file", "/orders/7", "/nowhere"])
async def test_head_responds_like_get_without_the_body(path: str) -> None:
    got, head = await call("GET", path), await call("HEAD", path)
    for answer in (got, head):
        del answer.headers["x-request-id"]
    assert (head.status_code, head.headers, head.content) == (got.status_code, got.headers, b"")
    assert int(head.headers["content-length"]) == len(got.content) > 0


async def test_head_of_a_stream_ends() -> None:
    head = await call("HEAD", "/stream")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/orders/7", "GET, HEAD, PATCH, DELETE, OPTIONS"),
        ("/orders", "POST, OPTIONS"),
        ("/file", "GET, HEAD, OPTIONS"),
    ],
)
async def test_allow_names_every_method_of_the_path(path: str, methods: str) -> None:
    options = await call("OPTIONS", path)
    assert (options.status_code, options.headers["allow"], options.content) == (204, methods, b"")
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - set(methods.split(", ")):
        refused = await call(method, path)
        assert (refused.status_code, refused.headers["allow"]) == (405, methods)
        assert method == "HEAD" or (refused.headers["content-type"], refused.json()["code"]) == (PROBLEM, "method_not_allowed")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_a_path_that_does_not_exist_has_no_methods(method: str) -> None:
    answer = await call(method, "/nowhere")
    assert (answer.status_code, answer.headers["content-type"], "allow" in answer.headers) == (404, PROBLEM, False)


@pytest.mark.parametrize(
    "name",
    ["host", "authorization", "idempotency-key", "content-type", "content-length", "origin", "sec-fetch-site", "x-csrf-token"],
)
@pytest.mark.parametrize("values", [("1", "1"), ("1", "2")], ids=["alike", "different"])
async def test_a_repeated_single_header_is_refused(name: str, values: tuple[str, str]) -> None:
    for method in ("GET", "POST"):
        answer = await call(method, "/orders", *((name, value) for value in values))
        assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
        assert answer.json()["code"] == "duplicate_header"
        assert name in answer.json()["detail"]


async def test_list_headers_may_be_repeated() -> None:
    answer = await call("GET", "/file", ("accept", "text/html"), ("accept", "*/*"), ("x-forwarded-for", "::1"), ("cookie", "a=1"))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        [("transfer-encoding", "gzip, chunked")],
        [("transfer-encoding", "identity")],
        [("transfer-encoding", "chunked"), ("content-length", "1")],
        [("content-length", "+1")],
        [("content-length", "1_0")],
        [("content-length", "")],
    ],
)
async def test_a_body_with_ambiguous_framing_is_refused(headers: list[tuple[str, str]]) -> None:
    answer = await call("POST", "/orders", *headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert answer.headers["connection"] == "close"
