"""Every request has an id. Its response returns it, and its log events contain it."""

import json
import re
from collections.abc import AsyncIterator, MutableMapping
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from httpx import ASGITransport, AsyncClient, MockTransport, Request, Response
from joserfc.jwk import OKPKey
from prometheus_client import generate_latest
from starlette.requests import Request as StarletteRequest

from chassis.eventsourcing.event_store import StoreAway
from chassis.http.app import create_app
from chassis.http.authentication import Authenticator, Peer
from chassis.http.client import ServiceClient
from chassis.http.problems import Problem, outcome_unknown
from chassis.http.service_tokens import Signer, Verifier
from chassis.request_ids import Broken
from chassis.runtime.faults import NoConnection
from chassis.runtime.logging import add_scope
from chassis.scope import note, note_change, request_id, scoped

ID = re.compile(r"[0-9a-f]{12}")
KEY = OKPKey.generate_key("Ed25519", {"kid": "gateway"})
LAMP = f"lamp-{uuid4()}"
MERCHANT = UUID(int=7)
FAULTS: dict[str, Exception] = {
    "connect": NoConnection("pool is closing"),
    "lost": asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    "state": asyncpg.InternalClientError("got result for unknown protocol state 3"),
    "closing": asyncpg.InterfaceError("pool is closing"),
    "read-only": asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
    "unmigrated": asyncpg.UndefinedTableError("no such table"),
    "kafka": KafkaConnectionError("refused"),
    "unsent": StoreAway("away", sent=False),
    "sent": StoreAway("away"),
    "slow": TimeoutError(),
}


@cache
def shop() -> FastAPI:
    public = json.dumps({"keys": [KEY.as_dict(private=False)]})
    tenants: Any = None
    authenticator = Authenticator(tenants, Verifier("shop", public), "0" * 64)
    peers = {"gateway": frozenset({("GET", "/peer")})}
    app = create_app("shop", service="shop", authenticator=authenticator, peers=peers)

    @app.get("/logged")
    async def logged() -> MutableMapping[str, Any]:
        note(MERCHANT, LAMP)
        return add_scope(None, "info", {"event": "lamp.lit"})

    @app.get("/peer")
    async def peer(_: Peer) -> dict[str, Any]:
        return {"id": request_id()}

    @app.api_route("/fails", methods=["GET", "POST"])
    async def fails(how: str, after: bool = False) -> None:
        if after:
            note_change()
        raise FAULTS[how]

    @app.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError("a bug")

    @app.get("/unknown")
    async def unknown() -> None:
        raise outcome_unknown()

    @app.get("/late")
    async def late(how: str) -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"a"
            raise FAULTS.get(how, ZeroDivisionError("a bug"))

        return StreamingResponse(chunks())

    return app


def client(**options: Any) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(shop(), **options), base_url="http://shop")


@pytest.mark.parametrize("path", ["/logged", "/nowhere", "/bug", "/fails?how=connect", "/peer"])
async def test_every_response_has_its_request_id(path: str) -> None:
    async with client() as http:
        ids = {(await http.get(path)).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(ID.fullmatch(id) for id in ids)


async def test_log_events_name_the_request_and_its_subject() -> None:
    async with client() as http:
        answer = await http.get("/logged")
    id = answer.headers["x-request-id"]
    assert answer.json() == {"event": "lamp.lit", "request_id": id, "merchant": str(MERCHANT), "aggregate": LAMP}


def test_log_events_without_a_request_name_their_subject() -> None:
    with scoped(merchant=MERCHANT, aggregate=LAMP):
        assert add_scope(None, "info", {}) == {"merchant": str(MERCHANT), "aggregate": LAMP}
    assert add_scope(None, "info", {"event": "alone"}) == {"event": "alone"}


@pytest.mark.parametrize("request_id", ["0123456789ab", "x" * 40, "1\r\n2", ""])
async def test_a_clients_request_id_is_not_adopted(request_id: str) -> None:
    async with client() as http:
        answer = await http.get("/logged", headers=[(b"x-request-id", request_id.encode())])
    assert answer.headers["x-request-id"] != request_id
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(("request_id", "adopted"), [("0123456789ab", True), ("not an id", False), ("A" * 12, False)])
async def test_the_request_id_of_an_authenticated_service_is_adopted(request_id: str, adopted: bool) -> None:
    token = Signer("gateway", json.dumps(KEY.as_dict(private=True))).token("shop")
    headers = {"authorization": f"Bearer {token}", "x-request-id": request_id}
    async with client() as http:
        answer = await http.get("/peer", headers=headers)
    assert answer.status_code == 200
    assert (answer.headers["x-request-id"] == request_id) is adopted
    assert answer.json() == {"id": answer.headers["x-request-id"]}


async def test_a_call_to_another_service_has_the_same_request_id() -> None:
    sent: list[Request] = []

    def answer(request: Request) -> Response:
        sent.append(request)
        return Response(200, json={})

    service = ServiceClient("http://shop", "shop", Signer("gateway", json.dumps(KEY.as_dict(private=True))))
    service.http = AsyncClient(base_url="http://shop", transport=MockTransport(answer))
    with scoped(request_id="0123456789ab"):
        await service.call("GET", "/lamps")
    await service.call("GET", "/lamps")
    assert [request.headers.get("x-request-id") for request in sent] == ["0123456789ab", None]


@pytest.mark.parametrize("how", FAULTS)
async def test_a_read_during_an_outage_is_unavailable(how: str) -> None:
    async with client() as http:
        answer = await http.get("/fails", params={"how": how})
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (503, "5", "service_unavailable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("connect", 503),
        ("closing", 504),
        ("read-only", 503),
        ("unmigrated", 503),
        ("unsent", 503),
        ("sent", 504),
        ("lost", 504),
        ("state", 504),
        ("slow", 504),
    ],
)
async def test_only_a_lost_response_leaves_a_commands_outcome_unknown(how: str, status: int) -> None:
    async with client() as http:
        answer = await http.post("/fails", params={"how": how})
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) is (status == 503)


async def test_after_a_change_no_problem_claims_that_nothing_changed() -> None:
    async with client() as http:
        answer = await http.post("/fails", params={"how": "connect", "after": True})
    assert (answer.status_code, answer.json()["code"]) == (504, "outcome_unknown")


async def test_every_503_has_a_retry_after() -> None:
    assert Problem(503, "any", "Any").headers["retry-after"]
    assert Problem(503, "any", "Any", headers={"retry-after": "60"}).headers["retry-after"] == "60"
    assert "retry-after" not in Problem(409, "any", "Any").headers


async def test_an_unexpected_error_has_one_response_and_does_not_reach_the_server() -> None:
    async with client(raise_app_exceptions=True) as http:
        answer = await http.get("/bug")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


@pytest.mark.parametrize("how", ["lost", "bug"])
async def test_a_broken_response_ends_the_connection_without_a_second_traceback(how: str) -> None:
    async with client(raise_app_exceptions=True) as http:
        with pytest.raises(Broken):
            await http.get("/late", params={"how": how})


async def test_requests_that_fail_are_counted_with_the_others() -> None:
    async with client() as http:
        for path in ("/bug", "/fails?how=connect"):
            await http.get(path)
    metrics = generate_latest().decode()
    assert re.search(r'http_requests_total{method="GET",route="/bug",service="shop",status="500"} [1-9]', metrics)
    assert re.search(r'http_requests_total{method="GET",route="/fails",service="shop",status="503"} [1-9]', metrics)


def test_a_request_outside_of_any_scope_is_left_alone() -> None:
    from chassis.request_ids import adopt

    adopt(StarletteRequest({"type": "http", "headers": [(b"x-request-id", b"0123456789ab")]}))
    assert request_id() is None
