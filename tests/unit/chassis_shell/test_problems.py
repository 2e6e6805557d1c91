"""Every error of every service is a problem with a stable code, without submitted values."""

from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from pydantic import StrictInt

from chassis.card_numbers.detection import NoCards
from chassis.eventsourcing.event_store import StoreAway, StoreBusy
from chassis.http.admin import admin_app
from chassis.http.app import create_app
from chassis.http.bodies import StrictBody
from chassis.http.problems import Refusals, not_found
from chassis.runtime.health import Health


class NothingLeft(Exception):
    pass


class Order(StrictBody):
    amount: StrictInt
    note: NoCards = ""


def client() -> AsyncClient:
    refusals: Refusals = {NothingLeft: (409, "nothing_left", "There is nothing left")}
    app = create_app("shop", service="shop", refusals=refusals)

    @app.post("/orders")
    async def order(body: Order) -> dict[str, int]:
        if body.amount > 10:
            raise NothingLeft("only 10 were there")
        if body.amount < 0:
            raise RuntimeError("a bug")
        return {"amount": body.amount}

    @app.get("/orders/{id}")
    async def one(id: str) -> None:
        raise not_found()

    @app.api_route("/waiting", methods=["GET", "POST"])
    async def waiting(away: bool) -> None:
        raise StoreAway("the database cannot be reached") if away else StoreBusy("too many are waiting")

    return AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://shop")


async def call(method: str, path: str, **sent: Any) -> tuple[int, str, dict[str, Any]]:
    answer = await client().request(method, path, **sent)
    return answer.status_code, answer.headers["content-type"], answer.json()


PROBLEM = "application/problem+json"


async def test_a_refusal_becomes_its_problem() -> None:
    status, kind, body = await call("POST", "/orders", json={"amount": 11})
    assert (status, kind) == (409, PROBLEM)
    assert (body["code"], body["detail"]) == ("nothing_left", "only 10 were there")


async def test_malformed_json_and_invalid_fields_are_different_problems() -> None:
    json = {"content-type": "application/json"}
    assert (await call("POST", "/orders", content=b'{"amount": ', headers=json))[2]["code"] == "malformed_json"
    status, _, body = await call("POST", "/orders", json={"amount": "11", "colour": "red"})
    assert status == 422
    assert {error["pointer"] for error in body["errors"]} == {"/amount", "/colour"}


async def test_a_card_number_is_refused_and_not_repeated() -> None:
    status, _, body = await call("POST", "/orders", json={"amount": 1, "note": "4242 4242 4242 4242"})
    assert (status, body["errors"][0]["code"]) == (422, "card_number_refused")
    assert "4242" not in str(body)


async def test_unknown_paths_and_unknown_resources_get_the_same_problem() -> None:
    assert await call("GET", "/orders/7") == await call("GET", "/nowhere")


async def test_a_large_body_is_refused() -> None:
    status, kind, body = await call("POST", "/orders", json={"amount": 1, "note": "x" * 70_000})
    assert (status, kind, body["code"]) == (413, PROBLEM, "body_too_large")


async def test_an_internal_error_reveals_nothing() -> None:
    status, kind, body = await call("POST", "/orders", json={"amount": -1})
    assert (status, kind, body["code"]) == (500, PROBLEM, "internal_error")
    assert "a bug" not in str(body)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_overloaded_store_changed_nothing(method: str) -> None:
    answer = await client().request(method, "/waiting", params={"away": False})
    assert (answer.status_code, answer.headers["content-type"], answer.json()["code"]) == (503, PROBLEM, "too_busy")
    assert answer.headers["retry-after"] == "5"


async def test_a_lost_write_has_an_unknown_outcome() -> None:
    status, kind, body = await call("POST", "/waiting", params={"away": True})
    assert (status, kind, body["code"]) == (504, PROBLEM, "outcome_unknown")
    assert (await call("GET", "/waiting", params={"away": True}))[2]["code"] == "service_unavailable"


async def test_readiness_names_the_failed_check() -> None:
    async def broken() -> str | None:
        return "is away"

    health = Health()
    health.add("database", broken)
    async with AsyncClient(transport=ASGITransport(admin_app("shop", health)), base_url="http://shop") as operator:
        assert (await operator.get("/health/live")).status_code == 200
        ready = await operator.get("/health/ready")
        assert (ready.status_code, ready.json()["failures"]) == (503, {"database": "is away"})
        assert "http_requests_total" in (await operator.get("/metrics")).text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_the_public_port_has_no_probes(path: str) -> None:
    assert (await call("GET", path))[2]["code"] == "not_found"


async def test_a_wrong_method_is_a_problem_too() -> None:
    status, kind, body = await call("DELETE", "/orders")
    assert (status, kind, body["code"]) == (405, PROBLEM, "method_not_allowed")
