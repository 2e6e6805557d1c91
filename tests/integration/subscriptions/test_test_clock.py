import asyncio
from collections.abc import AsyncIterator

import pytest
from integration.subscriptions.conftest import Shop, opened
from integration.subscriptions.stack import Stack, running

from support.databases import ServiceDatabase

URL = "/v1/test-clock/advance"


@pytest.fixture
async def impatient(database: ServiceDatabase) -> AsyncIterator[Stack]:
    async with running(database, test_clock_patience_seconds=0.2) as stack:
        yield stack


async def test_the_clock_starts_at_the_given_instant_and_runs(shop: Shop) -> None:
    first = (await shop.http.get("/v1/test-clock")).json()
    assert (first["now"][:16], first["to"], first["at_rest"], first["running"]) == ("2023-01-14T06:00", None, True, [])
    await asyncio.sleep(0.01)
    assert (await shop.http.get("/v1/test-clock")).json()["now"] > first["now"]


async def test_it_only_runs_forward(shop: Shop) -> None:
    back = await shop.http.post(URL, json={"to": "2023-01-01T00:00:00Z"})
    assert (back.status_code, back.json()["code"]) == (422, "clock_runs_forward")
    for wrong in ({}, {"to": "soon"}, {"to": "2023-01-20"}, {"to": "2023-02-01T00:00:00Z", "fast": True}):
        assert (await shop.http.post(URL, json=wrong)).status_code == 422


async def test_the_same_call_again_finds_it_at_rest(shop: Shop) -> None:
    await shop.advance("2023-03-01T00:00:00Z")
    again = await shop.advance("2023-03-01T00:00:00Z")
    assert again["now"].startswith("2023-03-01T00:00:0")


async def test_a_clock_that_waits_for_charges_names_them(impatient: Stack) -> None:
    shop = await opened(impatient)
    id = (await shop.subscribe())["id"]
    impatient.held = True
    id_two = (await shop.subscribe())["id"]
    body = {"to": "2023-04-01T00:00:00Z"}

    waiting = await shop.http.post(URL, json=body)
    assert waiting.status_code == 202
    assert (waiting.json()["to"], waiting.json()["at_rest"]) == ("2023-04-01T00:00:00Z", False)
    assert {f"subscription-{id_two}", f"merchant-{shop.id}"} <= set(waiting.json()["running"])
    other = await shop.http.post(URL, json={"to": "2023-05-01T00:00:00Z"})
    assert (other.status_code, other.json()["code"]) == (409, "clock_is_advancing")

    impatient.held = False
    while (await shop.http.post(URL, json=body)).status_code == 202:
        await asyncio.sleep(0.01)
    assert {(await shop.read(each))["current_period"]["start"][:10] for each in (id, id_two)} == {"2023-03-14"}


async def test_another_worker_continues_the_job_of_a_lost_one(database: ServiceDatabase) -> None:
    async with running(database, test_clock_patience_seconds=0.2) as first:
        shop = await opened(first)
        first.held = True
        id = (await shop.subscribe())["id"]
        assert (await shop.http.post(URL, json={"to": "2023-03-01T00:00:00Z"})).status_code == 202
    async with running(database) as second:
        http = second.merchant(shop.key)
        assert (await http.post(URL, json={"to": "2023-03-01T00:00:00Z"})).status_code == 200
        it = (await http.get(f"/v1/subscriptions/{id}")).json()
        assert (it["status"], it["current_period"]["start"][:10]) == ("active", "2023-02-14")


async def test_clocks_of_different_merchants_do_not_meet(stack: Stack) -> None:
    one, two = await opened(stack), await opened(stack, name="Otra Casa", clock_starts_at="2020-01-31T12:00:00Z")
    first, second = (await one.subscribe())["id"], (await two.subscribe())["id"]
    await asyncio.gather(one.advance("2023-06-01T00:00:00Z"), two.advance("2020-05-01T00:00:00Z"))
    assert (await one.read(first))["current_period"]["start"][:10] == "2023-05-14"
    assert (await two.read(second))["current_period"]["start"][:10] == "2020-04-30"
