import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from httpx import Response
from integration.subscriptions.conftest import ANA, Shop, opened
from integration.subscriptions.stack import Stack


async def announced(shop: Shop) -> list[tuple[str, dict[str, Any] | None]]:
    rows = await shop.stack.pool.fetch("SELECT key, value FROM outbox WHERE topic = 'billing.customers' ORDER BY position")
    profiles = [(row["key"].decode(), json.loads(row["value"]) if row["value"] else None) for row in rows]
    return [(key, value) for key, value in profiles if key.startswith(shop.id)]


async def test_each_change_of_a_profile_is_announced_with_its_revision(shop: Shop) -> None:
    changed = await shop.http.patch(
        f"/v1/customers/{shop.ana}", json={"email": "ana@new.example", "country": None, "purchase_order": "OC-17"}
    )
    assert changed.json() == {
        "id": shop.ana,
        "revision": 2,
        "name": "Ana García",
        "email": "ana@new.example",
        "locale": "es-MX",
        "country": None,
        "tax_id": None,
        "address": None,
        "purchase_order": "OC-17",
    }
    unchanged = await shop.http.patch(f"/v1/customers/{shop.ana}", json={"email": "ana@new.example"})
    assert unchanged.json()["revision"] == 2
    published = await announced(shop)
    assert [key for key, _ in published] == [f"{shop.id}/customer-{shop.ana}"] * 2
    assert [(value["sequence"], value["data"]["email"], value["data"]["purchase_order"]) for _, value in published if value] == [
        ("0000000001", "ana@example.com", None),
        ("0000000002", "ana@new.example", "OC-17"),
    ]


async def test_changes_at_once_are_numbered_one_by_one(shop: Shop) -> None:
    url = f"/v1/customers/{shop.ana}"
    await asyncio.gather(*(shop.http.patch(url, json={"name": f"Ana {n}"}) for n in range(8)))
    published = await announced(shop)
    assert [value["sequence"] for _, value in published if value] == [f"{n:010}" for n in range(1, 10)]
    assert (await shop.http.get(url)).json()["revision"] == 9


async def test_erasing_ends_everything_and_forgets_who_it_was(shop: Shop) -> None:
    started = await shop.subscribe()
    await shop.advance("2023-01-20T00:00:00Z")
    url = f"/v1/subscriptions/{started['id']}/cancellation"
    await shop.http.patch(f"/v1/customers/{shop.ana}", json={"country": "ES"}, headers={"idempotency-key": "moved"})
    await shop.http.post(url, json={"comment": "I am Ana García and I leave"})
    assert await shop.stack.comments(shop.id) == ["I am Ana García and I leave"]

    assert (await shop.http.delete(f"/v1/customers/{shop.ana}")).status_code == 204

    assert (await shop.http.get(f"/v1/customers/{shop.ana}")).status_code == 404
    assert (await shop.http.delete(f"/v1/customers/{shop.ana}")).status_code == 404
    assert (await shop.http.patch(f"/v1/customers/{shop.ana}", json={"name": "X"})).status_code == 404
    assert (await shop.read(started["id"]))["status"] == "canceled"
    assert (await announced(shop))[-1] == (f"{shop.id}/customer-{shop.ana}", None)
    for table in ("customers", "idempotency"):
        sql = f"SELECT coalesce(string_agg({table}::text, ''), '') FROM {table} WHERE merchant_id = $1"
        assert "Ana" not in await shop.stack.pool.fetchval(sql, UUID(shop.id))
    assert await shop.stack.comments(shop.id) == []
    again = await shop.http.post("/v1/subscriptions", json={"customer_id": shop.ana, "plan_id": shop.plan})
    assert again.status_code == 404


@asynccontextmanager
async def starting_halts(pool: asyncpg.Pool) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """No subscription is written until the block ends; what it is given waits for one that wants to be."""
    waiting = """
        SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'subscriptions'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """

    async def halted() -> None:
        async with asyncio.timeout(10):
            while not await pool.fetchval(waiting):
                await asyncio.sleep(0.005)

    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE subscriptions IN SHARE MODE")
        yield halted


@pytest.mark.parametrize("key", [{}, {"idempotency-key": "start-1"}])
async def test_a_subscription_started_during_the_erasure_ends(shop: Shop, key: dict[str, str]) -> None:
    async def start() -> Response:
        body = {"customer_id": shop.ana, "plan_id": shop.plan}
        return await shop.http.post("/v1/subscriptions", json=body, headers=key)

    async with starting_halts(shop.stack.pool) as halted:
        starting = asyncio.create_task(start())
        await halted()
        assert (await shop.http.delete(f"/v1/customers/{shop.ana}")).status_code == 204

    assert [answer.status_code for answer in (await starting, await start())] == [404, 404]
    sql = "SELECT id FROM subscriptions WHERE merchant_id = $1"
    [id] = [str(row["id"]) for row in await shop.stack.pool.fetch(sql, UUID(shop.id))]
    assert (await shop.read(id))["status"] == "canceled"


async def test_nothing_personal_is_in_an_event(shop: Shop) -> None:
    started = await shop.subscribe()
    await shop.advance("2023-01-20T00:00:00Z")
    await shop.http.post(f"/v1/subscriptions/{started['id']}/cancellation", json={"comment": "so sorry <b>", "feedback": "other"})
    everything = await shop.stack.written(shop.id)
    assert [word for word in ("ana@example.com", "García", "so sorry") if word in everything] == []
    assert await shop.stack.comments(shop.id) == ["so sorry <b>"]


async def test_a_repeated_request_creates_one_customer(shop: Shop) -> None:
    headers = {"idempotency-key": "ana-1"}
    first, again = await asyncio.gather(*(shop.http.post("/v1/customers", json=ANA, headers=headers) for _ in range(2)))
    assert (first.status_code, first.json()) == (201, again.json())
    other = await shop.http.post("/v1/customers", json={**ANA, "name": "Eva"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "   "},
        {"name": "5555 5555 5555 4444"},
        {"name": "line\nbreak"},
        {"name": "x" * 201},
        {"name": 7},
        {"email": "ana"},
        {"email": "ana@@example.com"},
        {"email": None},
        {"country": "Spain"},
        {"locale": "es_MX"},
        {"address": "4000000000000002"},
        {"password": "secret"},
    ],
)
async def test_a_profile_that_cannot_be_is_refused_and_not_repeated(shop: Shop, changes: dict[str, Any]) -> None:
    answer = await shop.http.post("/v1/customers", json={**ANA, **changes})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "5555" not in answer.text


async def test_a_required_field_cannot_be_removed(shop: Shop) -> None:
    answer = await shop.http.patch(f"/v1/customers/{shop.ana}", json={"name": None})
    assert answer.json()["errors"][0]["pointer"] == "/name"


async def test_customers_and_their_merchants_see_only_their_own(stack: Stack) -> None:
    ours, theirs = await opened(stack), await opened(stack, name="Otra Casa")
    bob = (await ours.http.post("/v1/customers", json={**ANA, "name": "Bob"})).json()["id"]
    subscription = (await ours.subscribe())["id"]
    await ours.advance("2023-01-15T00:00:00Z")
    merchants_own = [("GET", f"/v1/subscriptions/{subscription}"), ("PATCH", f"/v1/customers/{ours.ana}")]
    paths = [
        ("GET", f"/v1/customers/{ours.ana}"),
        ("GET", f"/v1/subscriptions/{subscription}/cancellation/preview"),
        ("POST", f"/v1/subscriptions/{subscription}/cancellation"),
        ("DELETE", f"/v1/subscriptions/{subscription}/cancellation"),
    ]
    unknown = (await ours.http.get("/v1/subscriptions/00000000-0000-4000-8000-000000000000")).content
    for stranger in (theirs.http, stack.customer(ours.id, bob), stack.customer(theirs.id, ours.ana)):
        for method, path in paths:
            answer = await stranger.request(method, path, json={} if method == "POST" else None)
            assert (answer.status_code, answer.content) == (404, unknown), (method, path)
    ana = stack.customer(ours.id, ours.ana)
    for method, path in merchants_own:
        assert (await theirs.http.request(method, path, json={})).status_code == 404
        assert (await ana.request(method, path, json={})).status_code == 403
    assert (await ana.get(paths[0][1])).json()["name"] == "Ana García"
    assert (await ana.get(f"/v1/streams/subscription-{subscription}")).status_code == 403
    assert (await theirs.http.get(f"/v1/streams/subscription-{subscription}")).status_code == 404
    assert (
        await theirs.http.post("/v1/subscriptions", json={"customer_id": ours.ana, "plan_id": theirs.plan})
    ).status_code == 404
    assert (
        await theirs.http.post("/v1/subscriptions", json={"customer_id": theirs.ana, "plan_id": ours.plan})
    ).status_code == 404
    cancelled = await ana.post(paths[2][1], json={})
    assert cancelled.status_code == 202
    assert (await ours.read(subscription))["cancellation"]["mode"] == "at_period_end"
