"""A request reaches the route that FastAPI would choose, with any nesting of routers."""

from functools import cache
from typing import Any
from uuid import UUID

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse
from httpx import ASGITransport, AsyncClient
from prometheus_client import generate_latest

from chassis.http.app import create_app
from chassis.http.problems import Problem


async def refused() -> None:
    raise Problem(403, "closed", "Closed")


def endpoint(name: str) -> Any:
    async def answer(request: Request) -> dict[str, Any]:
        return {"route": name, "path_params": {key: str(value) for key, value in request.path_params.items()}}

    answer.__name__ = name
    return answer


@cache
def shop(*, by_fastapi_alone: bool = False) -> FastAPI:
    """Routes in an order that matters, included once and twice, with and without a prefix and a dependency."""
    app = create_app("shop", service="routes")
    lamps, inner, closed = APIRouter(prefix="/lamps"), APIRouter(), APIRouter()
    app.add_api_route("/before/{name}", endpoint("pattern_before"))
    app.add_api_route("/before/exact", endpoint("exact_behind_a_pattern"))
    app.add_api_route("/after/exact", endpoint("exact"))
    app.add_api_route("/after/exact", endpoint("exact_again"))
    app.add_api_route("/after/exact", endpoint("posted"), methods=["POST"])
    app.add_api_route("/after/{name}", endpoint("pattern_after"))
    app.add_api_route("/counted/{number:int}", endpoint("converted"))
    lamps.add_api_route("", endpoint("lamps"))
    lamps.add_api_route("/{id}", endpoint("lamp"))
    lamps.add_api_route("/{id}/light", endpoint("light"), methods=["PUT"])
    inner.add_api_route("/inner", endpoint("inner"))
    inner.add_api_route("/slash/", endpoint("slash"))
    lamps.include_router(inner)
    closed.add_api_route("/open", endpoint("never"))
    closed.add_api_route("/{id}", endpoint("never_either"))
    app.include_router(lamps)
    app.include_router(closed, prefix="/closed", dependencies=[Depends(refused)])
    app.mount("/mounted", PlainTextResponse("mounted"))
    app.add_route("/plain", lambda _: PlainTextResponse("plain"), include_in_schema=False)
    app.add_api_route("/mounted/late", endpoint("behind_a_mount"))
    app.add_api_route("/plain", endpoint("behind_a_plain_route"))
    app.add_api_route("/{rest:path}", endpoint("rest"))
    if by_fastapi_alone:
        app.router.middleware_stack = app.router.app
    return app


PATHS = (
    *("/before/exact", "/before/other", "/after/exact", "/after/other", "/after/exact/", "/counted/7", "/counted/seven"),
    *(
        "/lamps",
        "/lamps/",
        "/lamps/7",
        "/lamps/inner",
        "/lamps/slash",
        "/lamps/slash/",
        "/lamps/7/light",
        "/lamps/a%2Fb",
        "/lamps/é",
    ),
    *("/closed/open", "/closed/7", "/closed", "/mounted", "/mounted/late", "/plain", "/openapi.json", "/", "/nowhere/at/all"),
)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "PATCH"])
async def test_each_response_is_the_same_as_with_fastapi_alone(method: str) -> None:
    answers = []
    for app in (shop(), shop(by_fastapi_alone=True)):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://shop") as client:
            responses = [await client.request(method, path) for path in PATHS]
        answers.append([(it.status_code, it.headers.get("location"), it.headers.get("allow"), it.content) for it in responses])
    assert dict(zip(PATHS, answers[0], strict=True)) == dict(zip(PATHS, answers[1], strict=True))


@pytest.mark.parametrize(
    ("path", "route", "parameters"),
    [
        ("/before/exact", "pattern_before", {"name": "exact"}),
        ("/after/exact", "exact", {}),
        ("/counted/7", "converted", {"number": "7"}),
        ("/lamps/inner", "lamp", {"id": "inner"}),
        ("/nowhere/at/all", "rest", {"rest": "nowhere/at/all"}),
    ],
)
async def test_the_first_matching_route_is_called(path: str, route: str, parameters: dict[str, str]) -> None:
    async with AsyncClient(transport=ASGITransport(shop()), base_url="http://shop") as client:
        assert (await client.get(path)).json() == {"route": route, "path_params": parameters}


async def test_dependencies_of_an_included_router_apply_to_its_routes() -> None:
    async with AsyncClient(transport=ASGITransport(shop()), base_url="http://shop") as client:
        codes = [(await client.get(path)).json()["code"] for path in ("/closed/open", "/closed/7")]
    assert codes == ["closed", "closed"]


async def test_responses_are_counted_by_route_and_not_by_path() -> None:
    async with AsyncClient(transport=ASGITransport(shop()), base_url="http://shop") as client:
        for path in ("/lamps/0190a000", "/lamps", f"/lamps/{UUID(int=7)}"):
            await client.get(path)
    metrics = generate_latest().decode()
    assert 'route="/lamps/{id}",service="routes"' in metrics
    assert 'route="/lamps",service="routes"' in metrics
    assert "0190a000" not in metrics
